/** A small system on two machines: built on one, booted on both, proven by a nonce. Has one of everything a recipe can ask for. */
import { z } from "zod";
import type { PlanDraft, PlanInput, Recipe, Requirement, Step } from "../../../controller/deploy/recipe.js";
import { toyExercises, toyReports } from "./toy-exercise.js";

const parameters = z.strictObject({ source: z.string(), greeting: z.string().default("hello") });
type ToyParameters = z.infer<typeof parameters>;

export const toyRecipe: Recipe = {
  name: "toy",
  summary: "a toy system",
  roles: {
    server: { description: "serves", min: 1, max: 1 },
    client: { description: "asks", min: 1, max: 2 },
  },
  parameters,
  deploy: (input) => deployToy(input as PlanInput<ToyParameters>),
  undeploy: (input) => undeployToy(input as PlanInput<ToyParameters>),
  exercises: toyExercises,
  reports: toyReports,
  failureLines: [{ pattern: /^toy: no peer/, where: "kernel", meaning: "the peer was not there; boot both together" }],
  logProfiles: [],
};

function deployToy({ roles, parameters: { source, greeting } }: PlanInput<ToyParameters>): PlanDraft {
  const server = roles["server"]?.[0]?.name ?? "";
  const clients = (roles["client"] ?? []).map((node) => node.name);
  const all = [server, ...clients];
  return {
    title: `toy on ${all.join(", ")}`,
    steps: [
      ...all.map(check),
      build(server, source),
      arm(server),
      ...all.map((node) => boot(node, [...all.map((each) => `check/${each}`), `arm/${server}`])),
      ...all.map((node) => barrier(node, all)),
      prove(server, all, greeting),
    ],
  };
}

function undeployToy({ roles, previous }: PlanInput<ToyParameters>): PlanDraft {
  const all = Object.values(roles)
    .flat()
    .map((node) => node.name);
  return { title: `toy off ${all.join(", ")}`, steps: all.map((node) => back(node, previous[`check/${node}`]?.["bootId"])) };
}

function check(node: string): Step {
  return {
    id: `check/${node}`,
    phase: "check",
    node,
    title: "agent, console",
    needs: [],
    repeat: "repeatable",
    evidence: [
      { kind: "console-up", claim: "the console is captured", withinMs: 5000 },
      { kind: "facts", claim: "Linux runs", withinMs: 5000, judge: (facts) => ({ ok: true, outputs: { bootId: facts.bootId } }) },
    ],
  };
}

function build(node: string, source: string): Step {
  return {
    id: `build/${node}`,
    phase: "build",
    node,
    title: `make in ${source}`,
    needs: [`check/${node}`],
    repeat: "repeatable",
    acts: () => [
      { kind: "write-file", path: `${source}/config`, contents: "x=1\n" },
      { kind: "command", argv: ["make"], cwd: source, timeoutMs: 60_000 },
    ],
    evidence: [
      {
        kind: "file",
        path: () => `${source}/config`,
        claim: "the configuration is there",
        withinMs: 1000,
        judge: (file) => (file === undefined ? { ok: false, reason: "no config" } : { ok: true, outputs: { sha256: file.sha256 ?? "" } }),
      },
    ],
  };
}

function arm(node: string): Step {
  return {
    id: `arm/${node}`,
    phase: "arm",
    node,
    title: "boot once",
    needs: [`build/${node}`],
    repeat: "verify",
    acts: () => [
      { kind: "put-boot-entry", entry: { id: "toy", title: "toy", kernel: "/toy", initrd: "", arguments: "", linux16: true } },
      { kind: "boot-once", id: "toy" },
    ],
    evidence: [
      {
        kind: "boot-menu",
        claim: "toy boots next",
        withinMs: 1000,
        judge: (menu) => (menu.nextEntry === "toy" ? { ok: true } : { ok: false, reason: `next is "${menu.nextEntry}"` }),
      },
    ],
  };
}

function boot(node: string, needs: readonly string[]): Step {
  return {
    id: `boot/${node}`,
    phase: "boot",
    node,
    title: "power cycle",
    needs,
    repeat: "verify",
    watch: "from-here",
    acts: () => [{ kind: "power", verb: "cycle", deadlineMs: 60_000 }],
    evidence: [
      { kind: "power", state: "on", claim: "it is on", withinMs: 10_000 },
      consoleLine("banner", /^toy version (\d+)/, "toy runs", 180_000),
    ],
  };
}

function barrier(node: string, all: readonly string[]): Step {
  return {
    id: `barrier/${node}`,
    phase: "barrier",
    node,
    title: "peers join",
    needs: all.map((each) => `boot/${each}`),
    repeat: "repeatable",
    evidence: [consoleLine("joined", /^toy: peers joined/, "all peers joined", 60_000)],
  };
}

function prove(node: string, all: readonly string[], greeting: string): Step {
  const expectation = (nonce: string) => ({
    id: "nonce",
    pattern: new RegExp(`${greeting} ${nonce}`),
    where: "program" as const,
    claim: "the program printed this run's nonce",
    withinMs: 60_000,
  });
  return {
    id: `prove/${node}`,
    phase: "prove",
    node,
    title: "nonce",
    needs: all.map((each) => `barrier/${each}`),
    repeat: "repeatable",
    evidence: [{ kind: "console", expectations: ({ nonce }) => [expectation(nonce)], describe: [expectation("NONCE")] }],
  };
}

function back(node: string, bootId: unknown): Step {
  return {
    id: `back/${node}`,
    phase: "back",
    node,
    title: "back to Linux",
    needs: [],
    repeat: "verify",
    watch: "until-here",
    acts: () => [{ kind: "reboot" }],
    evidence: [
      {
        kind: "facts",
        claim: "a new boot of Linux",
        withinMs: 60_000,
        judge: (facts) => (facts.bootId === bootId ? { ok: false, reason: "still the old boot" } : { ok: true }),
      },
    ],
  };
}

/** One kernel line as a requirement. */
export function consoleLine(id: string, pattern: RegExp, claim: string, withinMs: number): Requirement {
  const expectation = { id, pattern, where: "kernel" as const, claim, withinMs };
  return { kind: "console", expectations: () => [expectation], describe: [expectation] };
}
