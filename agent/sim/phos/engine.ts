/**
 * The simulated docker daemon and what its containers run. It lives in the machine's Linux: its processes end with the machine, its
 * containers stay on the disk. Whoever asks for an exec only watches it, so that a `docker exec` that is killed ends nothing inside.
 */
import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { RunningLinux } from "../kernel.js";
import type { Timer } from "../../../proto/base/clock.js";
import { describeError } from "../../../proto/base/errors.js";
import { Container, type ContainerSpec } from "./container.js";
import { layImage } from "./images.js";
import { ContainerProcess, ProcessEnded, type ProcessOptions, type Program } from "./process.js";

const directory = "/var/lib/docker";

interface Stored {
  readonly images: readonly string[];
  readonly containers: readonly { readonly spec: ContainerSpec; readonly status: Container["status"]; readonly nextPid: number }[];
}

export class Engine {
  readonly containers = new Map<string, Container>();
  readonly images = new Set<string>();
  readonly processes = new Set<ContainerProcess>();
  readonly execs = new Map<string, ContainerProcess>();
  /** The process a container lives as long as. */
  readonly #first = new Map<Container, ContainerProcess>();
  readonly #timers = new Set<Timer>();
  readonly #linux: RunningLinux;
  readonly #programs: Readonly<Record<string, Program>>;
  #count = 0;

  constructor(linux: RunningLinux, programs: Readonly<Record<string, Program>>) {
    this.#linux = linux;
    this.#programs = programs;
    this.#load();
    linux.stopped.addEventListener("abort", () => this.#stop(), { once: true });
  }

  get machineRoot(): string {
    return this.#linux.hardware.rootDirectory;
  }

  get memoryBytes(): number {
    return this.#linux.hardware.memoryBytes;
  }

  now(): number {
    return this.#linux.hardware.time.clock.now();
  }

  after(machineMs: number): Promise<void> {
    return this.#wait((fire) => this.#linux.hardware.time.after(machineMs, fire));
  }

  afterWall(milliseconds: number): Promise<void> {
    return this.#wait((fire) => this.#linux.hardware.time.clock.after(milliseconds, fire));
  }

  /** Never resolves once the machine has stopped. */
  #wait(start: (fire: () => void) => Timer): Promise<void> {
    return new Promise((resolve) => {
      const timer = start(() => {
        this.#timers.delete(timer);
        resolve();
      });
      this.#timers.add(timer);
    });
  }

  #stop(): void {
    this.#killAll(() => true);
    for (const timer of this.#timers) timer.cancel();
    this.#timers.clear();
  }

  append(file: string, text: string): void {
    appendFileSync(file, text);
  }

  /** As docker makes them: 64 digits. */
  newId(): string {
    this.#count += 1;
    const seed = (BigInt(this.now()) * 1_000_003n + BigInt(this.#count)) * 0x9e3779b97f4a7c15n;
    return seed.toString(16).padStart(64, "0").slice(-64);
  }

  create(spec: ContainerSpec): Container {
    const container = new Container(spec, join(this.machineRoot, directory, "containers", spec.id, "rootfs"), this.machineRoot, "created");
    layImage(container.rootDirectory);
    for (const { hostPath } of container.mounts) mkdirSync(hostPath, { recursive: true });
    this.containers.set(spec.name, container);
    this.save();
    return container;
  }

  start(container: Container): ContainerProcess {
    container.status = "running";
    const { argv, cwd, env } = container.spec;
    const first = this.spawn(container, { argv, cwd, env, pid: 1 });
    this.#first.set(container, first);
    void first.ended.then(() => {
      if (this.#first.get(container) === first && container.status === "running") this.stop(container);
    });
    this.save();
    return first;
  }

  /** Everything in it is killed; what its processes have mounted goes with its namespace. */
  stop(container: Container): void {
    container.status = "exited";
    this.#killAll((process) => process.container === container);
    for (const { target } of container.mounts.filter(({ kind }) => kind === "tmpfs")) container.unmount(target);
    this.save();
  }

  remove(container: Container): void {
    this.stop(container);
    this.containers.delete(container.spec.name);
    rmSync(dirname(container.rootDirectory), { recursive: true, force: true });
    this.save();
  }

  /** Starts a program; its end is the process's end. */
  spawn(container: Container, options: ProcessOptions): ContainerProcess {
    const process = new ContainerProcess(this, container, options);
    const { parent } = options;
    // A child writes where its parent does.
    if (parent !== undefined) {
      Object.assign(process.redirected, parent.redirected);
      if (parent.redirected.out === undefined) process.write = (text, stream) => parent.write(text, stream);
    }
    this.processes.add(process);
    void this.#execute(process).then(() => this.processes.delete(process));
    return process;
  }

  /** The program of this name; undefined when the container has none. */
  program(name: string): Program | undefined {
    return this.#programs[name.slice(name.lastIndexOf("/") + 1)];
  }

  /** Living processes, of one container or of all. */
  living(container?: Container): ContainerProcess[] {
    return [...this.processes].filter((process) => !process.isOver && (container === undefined || process.container === container));
  }

  save(): void {
    const containers = [...this.containers.values()].map(({ spec, status, nextPid }) => ({ spec, status, nextPid }));
    mkdirSync(join(this.machineRoot, directory), { recursive: true });
    writeFileSync(this.#file, JSON.stringify({ images: [...this.images], containers } satisfies Stored));
  }

  get #file(): string {
    return join(this.machineRoot, directory, "state.json");
  }

  /** Nothing runs when docker comes up after a boot. */
  #load(): void {
    if (!existsSync(this.#file)) return;
    const stored = JSON.parse(readFileSync(this.#file, "utf8")) as Stored;
    for (const image of stored.images) this.images.add(image);
    for (const { spec, nextPid } of stored.containers) {
      const rootDirectory = join(this.machineRoot, directory, "containers", spec.id, "rootfs");
      const container = new Container(spec, rootDirectory, this.machineRoot, "exited");
      container.nextPid = nextPid;
      this.containers.set(spec.name, container);
    }
  }

  #killAll(which: (process: ContainerProcess) => boolean): void {
    for (const process of this.processes) if (which(process)) process.finish(137);
  }

  async #execute(process: ContainerProcess): Promise<void> {
    const [name = ""] = process.argv;
    const program = this.program(name);
    try {
      // Never in the stack of whoever started it.
      await Promise.resolve();
      process.finish(program === undefined ? 127 : await program(process.call(), process));
    } catch (error) {
      if (error instanceof ProcessEnded) return;
      process.write(`${process.name}: ${describeError(error)}\n`, "err");
      process.finish(126);
    }
  }
}
