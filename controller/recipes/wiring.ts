/**
 * Which serial line is whose: what a node writes on its own device must arrive in its own capture. A cable or an inventory mixed up shows
 * here, before anything rests on a console. Shared by every recipe that reads one.
 */
import type { Act, Expectation, PlannedNode, Step } from "../deploy/recipe.js";

const seconds = 1000;

export function wiringStepId({ name }: Pick<PlannedNode, "name">): string {
  return `check/${name}/wiring`;
}

/** The step "check/NODE/wiring", after the node itself was found fit; undefined when it has no console. */
export function wiringStep({ name, console }: PlannedNode, needs: readonly string[]): Step | undefined {
  if (console === undefined) return undefined;
  return {
    id: wiringStepId({ name }),
    phase: "check",
    node: name,
    title: "console wiring, both ways",
    needs,
    repeat: "repeatable",
    acts: ({ runId }) => markerActs(name, console, runId),
    evidence: [
      { kind: "console-up", claim: "the console is captured", withinMs: 15 * seconds },
      { kind: "console", expectations: ({ runId }) => [marker(name, runId)], describe: [marker(name, "RUN")] },
    ],
  };
}

/**
 * The marker goes out at the rate the inventory says. Whether stty can set it does not matter: a line with the wrong rate shows when
 * the marker does not arrive.
 */
function markerActs(node: string, { line, baudRate }: NonNullable<PlannedNode["console"]>, runId: string): Act[] {
  return [
    { kind: "command", argv: ["stty", "-F", line, String(baudRate)], cwd: "/dev", timeoutMs: 10 * seconds, expect: () => ({ ok: true }) },
    { kind: "write-file", path: `/dev/${line}`, contents: `\r\nlabd wiring ${runId} ${node}\r\n`, inPlace: true },
  ];
}

/** `runId` holds letters, digits and dashes only. */
function marker(node: string, runId: string): Expectation {
  return {
    id: "wiring",
    pattern: new RegExp(`labd wiring ${runId} (\\S+)`),
    where: "any",
    claim: "what the node writes on its serial line arrives in its own capture",
    withinMs: 15 * seconds,
    check: ([, name]) => (name === node ? undefined : `this is ${name}'s marker: the consoles of ${node} and ${name} are swapped`),
  };
}
