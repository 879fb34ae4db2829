/** A process in a container: held by docker's daemon, not by whoever asked for it. It lives in the machine's Linux and dies with it. */
import type { ToolCall } from "../tools/tool.js";
import type { Container } from "./container.js";
import { ContainerView } from "./container.js";
import type { Engine } from "./engine.js";

/** Thrown into whatever a process does when it has been killed. */
export class ProcessEnded extends Error {}

/** What a process runs: a tool that knows its process. */
export type Program = (call: ToolCall, process: ContainerProcess) => Promise<number> | number;

type Stream = "out" | "err";
type Signal = "SIGUSR1" | "SIGUSR2" | "SIGINT" | "SIGTERM";

const signalNumbers: Readonly<Record<string, number>> = { SIGINT: 2, SIGKILL: 9, SIGUSR1: 10, SIGUSR2: 12, SIGTERM: 15 };

export interface ProcessOptions {
  readonly argv: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly stdin?: string;
  /** A restored process has the pid it had. */
  readonly pid?: number;
  /** What a restore gives back to the program. */
  readonly restored?: unknown;
  readonly parent?: ContainerProcess;
}

export class ContainerProcess {
  readonly engine: Engine;
  readonly container: Container;
  readonly pid: number;
  readonly env: Record<string, string>;
  readonly restored: unknown;
  readonly stdin: string;
  argv: readonly string[];
  cwd: string;
  exitCode: number | undefined;
  /** Everything it has written to the streams it was started with. */
  readonly output: Record<Stream, string> = { out: "", err: "" };
  /** Where its streams go instead; a path of the container, appended to. */
  readonly redirected: Partial<Record<Stream, string>> = {};
  /** What CRIU would find in its memory; undefined: it has nothing to save. */
  snapshot: (() => unknown) | undefined;
  /** UDP port it has bound. */
  boundPort: number | undefined;
  /** MiB of GPU memory it uses. */
  gpuMiB = 0;
  readonly ended: Promise<number>;
  readonly #killed: Promise<never>;
  readonly #handlers = new Map<string, () => void>();
  #onEnd: (exitCode: number) => void = () => undefined;
  #onChange: () => void = () => undefined;

  constructor(engine: Engine, container: Container, options: ProcessOptions) {
    this.engine = engine;
    this.container = container;
    this.argv = options.argv;
    this.cwd = options.cwd;
    this.env = { ...options.env };
    this.restored = options.restored;
    this.stdin = options.stdin ?? "";
    this.pid = options.pid ?? container.nextPid++;
    this.ended = new Promise((resolve) => (this.#onEnd = resolve));
    this.#killed = this.ended.then(() => Promise.reject(new ProcessEnded()));
    this.#killed.catch(() => undefined);
  }

  /** Of its program, as `ps` and `pgrep -x` see it. */
  get name(): string {
    const [program = ""] = this.argv;
    return program.slice(program.lastIndexOf("/") + 1);
  }

  get isOver(): boolean {
    return this.exitCode !== undefined;
  }

  /** Becomes another program, as exec does. */
  exec(argv: readonly string[], program: Program): Promise<number> | number {
    this.argv = argv;
    return program(this.call(), this);
  }

  /** As a shell would start a command and wait for it. */
  async child(argv: readonly string[], options: Partial<ProcessOptions> = {}): Promise<number> {
    const child = this.engine.spawn(this.container, { argv, cwd: this.cwd, env: this.env, parent: this, ...options });
    return this.until(child.ended);
  }

  /** Waits, unless it is killed before. */
  until<T>(promise: Promise<T>): Promise<T> {
    return Promise.race([promise, this.#killed]);
  }

  /** A receive without a time limit. */
  forever(): Promise<never> {
    return this.until(new Promise<never>(() => undefined));
  }

  /** Lets milliseconds of the machine pass. */
  work(machineMs: number): Promise<void> {
    return this.until(this.engine.after(machineMs));
  }

  /** Milliseconds of whoever looks on: what a sample computes must last long enough to be seen. */
  wall(milliseconds: number): Promise<void> {
    return this.until(this.engine.afterWall(milliseconds));
  }

  write(text: string, stream: Stream): void {
    if (this.isOver) return;
    const file = this.redirected[stream];
    if (file !== undefined) this.engine.append(this.container.host(file), text);
    else this.output[stream] += text;
    this.#onChange();
  }

  /** False when it has ended already. */
  kill(signal: string): boolean {
    if (this.isOver) return false;
    const handler = signal === "SIGKILL" ? undefined : this.#handlers.get(signal);
    if (handler !== undefined) handler();
    else this.finish(128 + (signalNumbers[signal] ?? 15));
    return true;
  }

  finish(exitCode: number): void {
    if (this.isOver) return;
    this.exitCode = exitCode;
    this.boundPort = undefined;
    this.gpuMiB = 0;
    this.#onEnd(exitCode);
    this.#onChange();
  }

  /** Resolves at the next output, or at the end. */
  changed(): Promise<void> {
    if (this.isOver) return Promise.resolve();
    return new Promise((resolve) => {
      const before = this.#onChange;
      this.#onChange = () => {
        before();
        this.#onChange = () => undefined;
        resolve();
      };
    });
  }

  call(): ToolCall {
    return {
      argv: this.argv.slice(1),
      machine: new ContainerView(this.container, this.cwd),
      now: () => this.engine.now(),
      work: (milliseconds) => this.work(milliseconds),
      stdin: () => Promise.resolve(this.stdin),
      env: this.env,
      onSignal: (signal: Signal, handler) => void this.#handlers.set(signal, handler),
      out: (text) => this.write(text, "out"),
      err: (text) => this.write(text, "err"),
    };
  }
}
