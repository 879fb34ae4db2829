/** A sample under PhOS (facts: PhOS §3, §4 step 5), and its end. */
import {
  startedJob,
  type Act,
  type CommandOutcome,
  type Known,
  type Requirement,
  type Step,
  type Verdict,
} from "../../../deploy/recipe.js";
import { judgeProcessAlive, judgeProcessGone, judgeProgress } from "../checkpoint.js";
import { type Design, inContainer, linesOf, minutes, numberFrom, scriptInContainer, seconds, stepIds } from "../design.js";
import { posYaml, type Sample, sampleFiles, sampleScript, tameSample } from "../samples.js";
import { judgeXpuServer } from "./daemon.js";
import { look, quietly } from "../look.js";

export interface SamplePlan {
  readonly sample: Sample;
  readonly needs: readonly string[];
}

/** How much of a sample's output is read to see how far it is. */
const tailBytes = "65536";

export function sampleStep(design: Design, { sample, needs }: SamplePlan): Step {
  const { node, parameters } = design;
  const id = stepIds.sample(design);
  const files = sampleFiles(design, sample);
  const limitMs = parameters.firstIterationWithinS * seconds;
  return {
    id,
    phase: "sample",
    node: node.name,
    title: `sample ${sample.name} under PhOS, up to its first ${sample.unit}`,
    needs,
    repeat: "verify",
    actsWithinMs: 6 * minutes,
    acts: () => [
      ...sample.needs.map((path) => ({ kind: "command", argv: ["ls", `${files.outside}/${path}`], timeoutMs: 10 * seconds }) as const),
      { kind: "remove-file", path: files.log },
      { kind: "remove-file", path: files.pid },
      { kind: "write-file", path: files.config, contents: posYaml(`labd-${sample.name}`) },
      { kind: "write-file", path: `${files.outside}/${files.script}`, contents: sampleScript(files.program) },
      { kind: "command", argv: ["cp", `${files.outside}/${sample.program}`, `${files.outside}/${files.program}`], timeoutMs: 10 * seconds },
      { kind: "edit-file", path: `${files.outside}/${files.program}`, edit: tameSample },
      { kind: "start", name: "sample", argv: scriptInContainer(design, [files.script], files.inside), timeoutMs: 0 },
    ],
    evidence: [
      {
        kind: "file",
        path: () => files.pid,
        wantText: true,
        claim: "it has a process",
        withinMs: minutes,
        judge: (file) => {
          const pid = Number(file?.text?.trim());
          return Number.isInteger(pid) && pid > 0
            ? { ok: true, lines: [`process ${pid}`], outputs: { pid } }
            : { ok: false, reason: "its pid is not written yet" };
        },
      },
      // Before its end is looked at: why it has ended stands here.
      look("it prints, and no error", tailOf(design, sample), judgeSpeaks, limitMs),
      {
        kind: "job",
        job: (known) => startedJob(known.outputs, id, "sample")?.job ?? "",
        claim: "it is at work",
        withinMs: 15 * seconds,
        judge: ({ state, stdout, stderr }) =>
          state === "running"
            ? { ok: true }
            : { ok: false, final: true, reason: `it has ended (${state})`, lines: linesOf(`${stdout}\n${stderr}`).slice(-5) },
      },
      look(
        `it prints ${sample.unit}s; the first run is slow, kernels are instrumented`,
        tailOf(design, sample),
        (result) => {
          const spoken = judgeSpeaks(result);
          return spoken.ok ? judgeProgress(result, sample) : spoken;
        },
        limitMs,
      ),
      alive(design),
    ],
  };
}

function judgeSpeaks({ stdout }: CommandOutcome): Verdict {
  const lines = linesOf(stdout);
  if (lines.some((line) => /^Traceback \(most recent call last\)|POS_ERROR/.test(line)))
    return { ok: false, final: true, reason: "the sample failed", lines: lines.slice(-8) };
  return lines.length > 0 ? { ok: true, lines: lines.slice(0, 1) } : { ok: false, reason: "it has printed nothing yet" };
}

/** The pid the sample had at first, which a restore gives back to it. */
export function samplePid(design: Design, { outputs }: Known): number {
  return numberFrom(outputs, stepIds.sample(design), "pid");
}

export function processState(design: Design, known: Known): readonly string[] {
  return inContainer(design, ["ps", "-o", "stat=", "-p", String(samplePid(design, known))]);
}

export function alive(design: Design): Requirement {
  return look(
    "its process is alive",
    (known) => processState(design, known),
    (result, known) => judgeProcessAlive(result, samplePid(design, known)),
  );
}

/** Where a sample's log can be read from. */
export function tailOf(design: Design, sample: Sample): readonly string[] {
  return ["tail", "-c", tailBytes, sampleFiles(design, sample).log];
}

/** The GPUs are the daemon's alone again. `jobs`: what may still hold the program. */
export function endStep(design: Design, needs: readonly string[], jobs: (known: Known) => readonly (string | undefined)[]): Step {
  return {
    id: stepIds.end(design),
    phase: "end",
    node: design.node.name,
    title: "the sample ends, the daemon stays",
    needs,
    repeat: "repeatable",
    actsWithinMs: 4 * minutes,
    acts: (known) => endActs(design, known, jobs(known)),
    evidence: [
      look(
        "its process is gone",
        (known) => processState(design, known),
        (result, known) => judgeProcessGone(result, samplePid(design, known)),
        30 * seconds,
      ),
      look("the daemon is still there", inContainer(design, ["pgrep", "-x", "xpu-server"]), judgeXpuServer),
    ],
  };
}

/** After a restore pos_cli may still hold the program in its foreground. The one that holds the daemon is not meant. */
export function endRestore(design: Design): Act {
  return quietly(inContainer(design, ["pkill", "-f", "pos_cli --restore"]));
}

/** Ending a `docker exec` ends nothing inside the container: the program itself is told first. */
export function endActs(design: Design, known: Known, jobs: readonly (string | undefined)[]): Act[] {
  return [
    quietly(inContainer(design, ["kill", "-KILL", String(samplePid(design, known))])),
    endRestore(design),
    ...jobs.flatMap((job) => (job === undefined ? [] : [{ kind: "end", job } as const])),
  ];
}
