/**
 * The samples of examples/, as Python would run them. What they compute is a state that changes with every iteration and decides what
 * is printed next: only who has the state can go on where it was.
 */
import { faultsOf } from "../tools/surroundings.js";
import type { ToolCall } from "../tools/tool.js";
import { daemonOf } from "./daemon.js";
import type { ContainerProcess, Program } from "./process.js";

/** CPU part (in CRIU's pages) and GPU part (in the daemon's files) of a program. */
export interface SampleState {
  readonly iteration: number;
  readonly weights: readonly number[];
}

const iterationMs = 100;
const instrumentationMs = 10_000;
const batches = 1563;
/** MiB on the GPU. */
const modelMiB = 9000;

export const python: Program = async (call, process) => {
  const file = call.argv.find((word) => !word.startsWith("-")) ?? "";
  const text = call.machine.read(file);
  if (text === undefined) {
    call.err(`python3: can't open file '${file}': [Errno 2] No such file or directory\n`);
    return 2;
  }
  const isHijacked = (process.env["LD_PRELOAD"] ?? "").includes("libxpuclient.so");
  if (isHijacked && !call.machine.exists("pos.yaml")) return raise(call, "RuntimeError: failed to load pos.yaml in the working directory");
  if (isHijacked && daemonOf(process.engine) === undefined) return raise(call, "RuntimeError: CUDA driver initialization failed");
  const printer = new Printer(call, call.argv.includes("-u"));
  return train(text, process, printer);
};

/** stdout of a program whose output is no terminal is held back, unless it is told not to. */
class Printer {
  readonly #call: ToolCall;
  readonly #isUnbuffered: boolean;
  #held = "";

  constructor(call: ToolCall, isUnbuffered: boolean) {
    this.#call = call;
    this.#isUnbuffered = isUnbuffered;
  }

  print(line: string): void {
    this.#held += `${line}\n`;
    if (this.#isUnbuffered || this.#held.length > 8192) this.flush();
  }

  flush(): void {
    this.#call.out(this.#held);
    this.#held = "";
  }
}

async function train(text: string, process: ContainerProcess, printer: Printer): Promise<number> {
  const faults = faultsOf(process);
  const restored = process.restored as SampleState | undefined;
  let state: SampleState = restored ?? { iteration: 0, weights: [1, 2, 3] };
  process.gpuMiB = faults.has("big-model") ? 70_000 : modelMiB;
  process.snapshot = () => state;
  if (restored === undefined) {
    printer.print(`process id: ${process.pid}`);
    await process.work(instrumentationMs);
    if (faults.has("sample-crashes")) return raise(process.call(), "RuntimeError: CUDA error: no kernel image is available");
  } else {
    if (faults.has("restore-stops")) await process.forever();
    if (faults.has("restore-begins-again")) state = { iteration: 0, weights: [1, 2, 3] };
  }
  const line = lineOf(text);
  while (state.iteration < batches) {
    await process.wall(iterationMs);
    if (/^\s*phos\.predump\(/m.test(text) && state.iteration === 32) predump(process);
    state = next(state);
    if (faults.has("sample-silent")) continue;
    const printed = line(state);
    if (printed !== undefined) printer.print(printed);
    if (/^\s*if nb_iteration == 64:/m.test(text) && state.iteration === 64) {
      printer.print("reach 64, break");
      break;
    }
  }
  printer.print(`latency: p50(${String(state.weights[0])} ms)`);
  printer.flush();
  return 0;
}

/** One step of a computation whose every result depends on all before it. */
export function next({ iteration, weights }: SampleState): SampleState {
  const [a = 1, b = 2, c = 3] = weights;
  return { iteration: iteration + 1, weights: [(a * 1103 + b + iteration) % 65521, (b * 271 + c) % 65521, (c * 31 + a) % 65521] };
}

/** What a sample prints after an iteration, by the file it is. */
function lineOf(text: string): (state: SampleState) => string | undefined {
  const kind = /^# sample: (\S+)$/m.exec(text)?.[1];
  const duration = ({ weights }: SampleState) => 300 + ((weights[0] ?? 0) % 100);
  if (kind === "diffusion")
    return ({ iteration, weights }) =>
      `Epoch ${Math.floor((iteration - 1) / 25) + 1}, Step ${((iteration - 1) % 25) + 1}, Loss: 0.${weights[0]}`;
  if (kind === "ppo") return (state) => `steps: ${(state.iteration * 5).toFixed(2)}k, duration: ${duration(state)} ms`;
  if (kind === "llama2-13b-chat-hf") return ({ iteration, weights }) => `word${iteration} ${weights[0]}`;
  const prints = /^print_statistics_per_iter = True$/m.test(text);
  return (state) => (prints ? `itetration ${state.iteration} duration: ${duration(state)} ms` : undefined);
}

/** The sample's own checkpoint, as a thread of it starts one. */
function predump(process: ContainerProcess): void {
  const argv = ["pos_cli", "--pre-dump", "--dir", "./ckpt", "--option", "cow", "--pid", String(process.pid)];
  process.engine.spawn(process.container, { argv, cwd: process.cwd, env: process.env });
}

function raise(call: ToolCall, error: string): number {
  call.err(`Traceback (most recent call last):\n  File "train.py", line 1, in <module>\n${error}\n`);
  return 1;
}
