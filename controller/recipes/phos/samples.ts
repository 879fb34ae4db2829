/** The samples of examples/: how far one has come can be read from what it prints. */
import { type Design, home, linesOf } from "./design.js";
import type { SampleName } from "./parameters.js";

export interface Sample {
  readonly name: SampleName;
  readonly program: string;
  /** What its progress is counted in. */
  readonly unit: "iteration" | "step" | "character";
  /** Number of the last one in a stretch of output; undefined when it has none. */
  readonly first: (output: string) => number | undefined;
  readonly last: (output: string) => number | undefined;
  /** Files below its directory it cannot do without. */
  readonly needs: readonly string[];
}

/** examples/resnet/train.py as we run it, else tqdm's "51/1563 [". */
const iterations = (line: string) => numberIn(line, /^itet?ration (\d+) duration/) ?? numberIn(line, /\b(\d+)\/\d+ \[/);
const stepsPerEpoch = 25;
const steps = (line: string) => {
  const match = /^Epoch (\d+), Step (\d+), Loss/.exec(line);
  return match === null ? undefined : (Number(match[1]) - 1) * stepsPerEpoch + Number(match[2]);
};
const thousands = (line: string) => {
  const match = /^steps: ([\d.]+)k\b/.exec(line);
  return match === null ? undefined : Math.round(Number(match[1]) * 1000);
};

const table: Readonly<
  Record<SampleName, Omit<Sample, "name" | "first" | "last"> & { readonly of?: (line: string) => number | undefined }>
> = {
  resnet: { program: "train.py", unit: "iteration", needs: [], of: iterations },
  // Text that streams has no numbers: its length tells.
  "llama2-13b-chat-hf": { program: "inference.py", unit: "character", needs: ["model/config.json"] },
  diffusion: { program: "train.py", unit: "step", needs: [], of: steps },
  ppo: { program: "main.py", unit: "step", needs: [], of: thousands },
};

export function sampleOf(name: SampleName): Sample {
  const { of, ...sample } = table[name];
  const numbers = (output: string) => linesOf(output).flatMap((line) => (of?.(line) === undefined ? [] : [of(line) ?? 0]));
  const length = (output: string) => (output.trim() === "" ? undefined : output.length);
  return {
    name,
    ...sample,
    first: of === undefined ? length : (output) => numbers(output)[0],
    last: of === undefined ? length : (output) => numbers(output).at(-1),
  };
}

function numberIn(line: string, pattern: RegExp): number | undefined {
  const match = pattern.exec(line);
  return match === null ? undefined : Number(match[1]);
}

/** Files of a sample, all in its directory: on the node, and inside the container. */
export function sampleFiles({ parameters: { source } }: Pick<Design, "parameters">, sample: Sample) {
  const inside = `${home}/examples/${sample.name}`;
  const outside = `${source}/examples/${sample.name}`;
  return {
    inside,
    outside,
    /** Ours, made from the sample's. */
    program: `labd_${sample.program}`,
    script: "labd_sample.sh",
    log: `${outside}/labd.log`,
    pid: `${outside}/labd.pid`,
    config: `${outside}/pos.yaml`,
  } as const;
}

/** Read by PhOS in the program's working directory (facts: PhOS §3). */
export function posYaml(job: string): string {
  return `job_name: "${job}"\ndaemon_addr: "127.0.0.1"\n`;
}

/**
 * Runs as a login shell, so that $phos is known. Output goes into a file: a program that was restored has no other place to write to
 * than the one it had, and a pipe of the first start is gone by then. Its pid is the shell's.
 */
export function sampleScript(program: string): string {
  return `echo $$ > labd.pid\nexec env $phos python3 -u ${program} >> labd.log 2>&1 < /dev/null\n`;
}

/**
 * The resnet sample checkpoints itself at its 32nd iteration, into ./ckpt and by a pos_cli of its own, prints no iterations and ends
 * after 64. Ours prints every one, leaves checkpoints to us and goes on. Applied to its own result it changes nothing.
 */
export function tameSample(text: string): { readonly text: string } {
  return {
    text: text
      .replace(/^print_statistics_per_iter = False$/m, "print_statistics_per_iter = True")
      .replace(/^(\s*)phos\.(?:predump|dump)\(.*\)$/gm, "$1pass  # checkpoints are labd's")
      .replace(/^(\s*)if nb_iteration == 64:$/m, "$1if False:"),
  };
}
