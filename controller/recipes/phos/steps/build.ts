/** build.sh in as many passes as it needs, judged by what it says and installs (facts: PhOS §2, §4 step 3). */
import type { Known, Look, Step } from "../../../deploy/recipe.js";
import {
  cargo,
  installedFiles,
  isBuilt,
  judgeInstalled,
  judgePass,
  judgeProfile,
  notePass,
  passes,
  scripts,
  stampFile,
  stampOf,
} from "../build.js";
import { type Design, inContainer, minutes, scriptInContainer, seconds, stepIds, textFrom } from "../design.js";
import { look } from "../look.js";

export function buildSteps(design: Design): Step[] {
  const steps: Step[] = [];
  for (const number of passes) {
    steps.push(pass(number, design));
    if (number === 1) steps.push(cargoThere(design));
  }
  return [...steps, installed(design)];
}

/** -3 third party, -i install, -u unit tests. Never -c, which overrides -i, and never -p, which main does not know. */
function options({ parameters }: Design): string[] {
  return ["-3", "-i", ...(parameters.unitTests ? ["-u"] : [])];
}

function pass(number: number, design: Design): Step {
  const { node, parameters } = design;
  const id = stepIds.pass(design, number);
  const isLast = number === passes.at(-1);
  return {
    id,
    phase: "build",
    node: node.name,
    title: number === 1 ? `build.sh ${options(design).join(" ")}, pass 1: it may only start rustup` : `pass ${number}, if it is needed`,
    needs:
      number === 1
        ? [stepIds.assets(design), stepIds.configure(design)]
        : [number === 2 ? stepIds.cargo(design) : stepIds.pass(design, number - 1)],
    repeat: "repeatable",
    actsWithinMs: (parameters.buildWithinMin + 1) * minutes,
    standing: builtAlready(design, number),
    acts: () => [
      {
        kind: "command",
        argv: scriptInContainer(design, ["build.sh", ...options(design)], scripts),
        timeoutMs: parameters.buildWithinMin * minutes,
        expect: notePass,
      },
    ],
    evidence: [
      {
        kind: "command",
        argv: ({ outputs }) => inContainer(design, endOfLog(outputs[id]?.["log"])),
        claim: isLast ? "PhOS is built and installed" : "this pass has built PhOS, or fetches cargo",
        withinMs: 15 * seconds,
        judge: (shown, { outputs }) => judgePass(outputs[id] ?? {}, isLast, shown),
      },
    ],
  };
}

/** Why a pass failed stands in the log it named. */
function endOfLog(log: unknown): readonly string[] {
  return typeof log === "string" && log !== "" ? ["tail", "-n", "20", log] : ["ls", "-d", scripts];
}

/** An earlier pass has built it, or an earlier run this very commit in this very container. */
function builtAlready(design: Design, number: number): Look[] {
  return [
    look("it is built already", inContainer(design, ["cat", stampFile]), ({ stdout }, known) => {
      if (isBuilt(design, number, known)) return { ok: true, lines: ["an earlier pass said: All system go"] };
      const stamp = stampOf(design, textFrom(known.outputs, stepIds.clone(design), "commit"));
      return stdout === stamp ? { ok: true, lines: [stdout.trim()] } : { ok: false, reason: "this commit is not built in this container" };
    }),
    filesInstalled(design),
  ];
}

function filesInstalled(design: Design): Look {
  return look("everything is installed, by this build", inContainer(design, ["stat", "-c", "%Y %n", ...installedFiles]), (result, known) =>
    judgeInstalled(result, buildBeganS(design, known)),
  );
}

/** The second in which the first pass of this run began; 0 when none was needed. */
function buildBeganS(design: Design, { outputs }: Known): number {
  const began = outputs[stepIds.pass(design, 1)]?.["startedMs"];
  return typeof began === "number" ? Math.floor(began / 1000) : 0;
}

function cargoThere(design: Design): Step {
  return {
    id: stepIds.cargo(design),
    phase: "build",
    node: design.node.name,
    title: "cargo, which rustup fetches on its own",
    needs: [stepIds.pass(design, 1)],
    repeat: "repeatable",
    evidence: [
      look(
        "cargo is there",
        inContainer(design, ["ls", cargo]),
        ({ exitCode }) => (exitCode === 0 ? { ok: true, lines: [cargo] } : { ok: false, reason: `${cargo} is not there yet` }),
        20 * minutes,
      ),
    ],
  };
}

function installed(design: Design): Step {
  return {
    id: stepIds.installed(design),
    phase: "build",
    node: design.node.name,
    title: "commands, libraries and the variable phos are installed",
    needs: [stepIds.pass(design, passes.at(-1) ?? 1)],
    repeat: "repeatable",
    evidence: [
      filesInstalled(design),
      look("/etc/profile has the variable phos", inContainer(design, ["grep", "phos=", "/etc/profile"]), judgeProfile),
    ],
  };
}
