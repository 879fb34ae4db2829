/** One life of a guest under the proxy: from its first instruction or from files, to its end or to a checkpoint. */
import { type Guest, words } from "./guest.js";
import { machineMs } from "../tools/surroundings.js";
import type { ToolCall } from "../tools/tool.js";
import { restoreGuest, saveGuest } from "./checkpoint-files.js";
import { has } from "./faults.js";
import { connectToPageServer, pullPages } from "./page-client.js";
import { type PageServer, servePages } from "./page-server.js";
import { parseProgram, type Program } from "./program-file.js";
import type { ProxyEnvironment } from "./proxy-environment.js";
import { recordMemory, setStatus } from "./proxy-records.js";

const fileMs = 50;
const slowFileMs = 3_000;
const pageMs = 10;
const pollMs = 100;
/** What a leftover of an older kind of checkpoint is found by: the proxy restarts from it, whatever it was told. */
const oldCheckpoint = { directory: "checkpoint", configuration: "checkpoint/chk_config.txt" };
const halted = "Guest has halted the CPU, this is considered as a normal exit.\n";

/** What to do before the guest runs: nothing more, or the exit code of a proxy that is over. */
type Beginning = "running" | { readonly exitCode: number };

export class ProxyRun {
  readonly #call: ToolCall;
  readonly #environment: ProxyEnvironment;
  readonly #program: Program;
  readonly #guest: Guest;
  #isAsked = false;
  /** Real-machine milliseconds the guest has run. */
  #ranMs = 0;

  constructor(call: ToolCall, environment: ProxyEnvironment, program: Program, guest: Guest) {
    this.#call = call;
    this.#environment = environment;
    this.#program = program;
    this.#guest = guest;
  }

  /** The exit code: 0 after a checkpoint, 0 when the guest died, else the program's own. */
  async toEnd(): Promise<number> {
    const beginning = await this.#begin();
    return beginning === "running" ? this.#run() : beginning.exitCode;
  }

  async #begin(): Promise<Beginning> {
    const old = this.#call.machine.exists(oldCheckpoint.configuration);
    if (!old && !this.#environment.resume) {
      this.#ready();
      return "running";
    }
    setStatus(this.#call, "STATUS_RESTORING_CHKPT");
    await this.#pass(fileMs);
    const directory = old ? oldCheckpoint.directory : ".";
    const full = old || this.#environment.fullRestore;
    const restored = has(this.#call, "restart-at-one") ? undefined : this.#restore(directory, full);
    if (restored !== undefined) {
      this.#call.err(`MIGERR: ${restored}\n${halted}`);
      return { exitCode: 0 };
    }
    if (full) {
      this.#ready(this.#environment.server !== "");
      return "running";
    }
    return this.#pull();
  }

  /** From now on SIGUSR1 asks for a migration. */
  #ready(pulling = false): void {
    this.#call.onSignal("SIGUSR1", () => {
      this.#isAsked = true;
    });
    setStatus(this.#call, pulling ? "STATUS_PULLING_PAGES" : "STATUS_READY_FOR_MIGRATION");
  }

  /** Why it cannot be restored. */
  #restore(directory: string, full: boolean): string | undefined {
    const wrong = this.#translationProblem();
    if (wrong !== undefined) return wrong;
    const file = restoreGuest(this.#call.machine.host(directory), this.#program, this.#guest, full);
    return file === undefined ? undefined : `Cannot restore ${file}`;
  }

  async #pull(): Promise<Beginning> {
    const { server, port } = this.#environment;
    const connection = await connectToPageServer(server === "" ? "0" : server, port);
    if ("problem" in connection) this.#call.err(`${connection.problem}\n`);
    this.#ready(server !== "");
    await this.#pass(fileMs);
    if ("problem" in connection) {
      this.#call.err("proxy: Page request send failed.: Bad file descriptor\n");
      return { exitCode: 1 };
    }
    let pages = 0;
    const isComplete = await pullPages(connection.socket, this.#guest.memory, () => {
      pages += 1;
      if (pages > 5 && has(this.#call, "client-exits")) connection.socket.destroy();
      return this.#pass(pageMs);
    });
    if (isComplete) return "running";
    this.#call.err(`Page receive failed: Connection reset by peer\n${halted}`);
    return { exitCode: 0 };
  }

  async #run(): Promise<number> {
    for (;;) {
      const step = this.#guest.step();
      if (has(this.#call, "verification-fails")) words(this.#guest.memory.heap)[50] = 1;
      if (step.output !== undefined && step.output !== "") this.#call.out(step.output);
      const ms = has(this.#call, "finish-early") ? 1 : step.machineMs;
      await this.#pass(ms);
      if (step.exitCode !== undefined) return step.exitCode;
      this.#ranMs += ms;
      const { migtestS } = this.#environment;
      if (migtestS > 0 && this.#ranMs >= migtestS * 1000) this.#isAsked = true;
      if (has(this.#call, "guest-halts") && this.#ranMs > 1_000) {
        this.#call.err(halted);
        return 0;
      }
      if (this.#isAsked && this.#guest.hasMigrationPoints && !has(this.#call, "no-migration-point")) return this.#migrate();
    }
  }

  async #migrate(): Promise<number> {
    const { fullSave } = this.#environment;
    const wrong = this.#translationProblem();
    if (wrong !== undefined) {
      this.#call.err(`MIGERR: ${wrong}\n${halted}`);
      return 0;
    }
    setStatus(this.#call, "STATUS_CHECKPOINTING");
    await saveGuest(this.#call.machine.host("."), {
      program: this.#program,
      guest: this.#guest,
      full: fullSave,
      pause: () => this.#pass(has(this.#call, "slow-checkpoint") ? slowFileMs : fileMs),
      metadataFirst: has(this.#call, "mdata-early"),
    });
    recordMemory(this.#call, this.#environment.memoryBytes);
    const exitCode = fullSave ? 0 : await this.#serve();
    if (exitCode === 0) this.#call.out("Uhyve: exiting\n");
    return exitCode;
  }

  /** Post-copy's source: lives until its memory is served. Its first line waits in the buffer of standard output for the second. */
  async #serve(): Promise<number> {
    const { port } = this.#environment;
    setStatus(this.#call, "STATUS_SERVING_REMOTE_PAGES");
    // All addresses on a real machine; simulated ones share loopback.
    const host = this.#call.machine.rootDirectory === "/" ? "0.0.0.0" : "127.0.0.1";
    const server = await servePages(this.#guest.memory, { host, port }).catch(() => undefined);
    if (server === undefined) {
      this.#call.err("proxy: Bind Failed: Address already in use\n");
      return 1;
    }
    try {
      this.#call.out(`Uhyve: switching to server mode\nRemote page server listenning on port ${port}...\n`);
      await this.#serveClient(server);
    } finally {
      server.close();
    }
    return 0;
  }

  async #serveClient(server: PageServer): Promise<void> {
    await this.#until(server.connected);
    this.#call.out("Client connected!\n");
    const end = await this.#until(server.ended);
    this.#call.out(`${end === "served" ? "Full remote memory served" : "Client exited"}\nClosing Server\n`);
  }

  /** Waits in small pieces: whoever ends this process finds it between two of them. */
  async #until<T>(promise: Promise<T>): Promise<T> {
    const outcome: { value?: T } = {};
    let isSettled = false;
    void promise.then((value) => {
      outcome.value = value;
      isSettled = true;
    });
    while (!isSettled) await this.#pass(pollMs);
    return promise;
  }

  /** Stacks are translated with the help of both programs, which must be of one build and aligned (facts: HEXO §2). */
  #translationProblem(): string | undefined {
    const { nodeId, x86Program, armProgram } = this.#environment;
    const expectedId = this.#program.architecture === "x86_64" ? 0 : 1;
    if (nodeId !== expectedId) return `node ${nodeId} is not ${this.#program.architecture}`;
    for (const [path, architecture] of [
      [x86Program, "x86_64"],
      [armProgram, "aarch64"],
    ] as const) {
      const other = parseProgram(this.#call.machine.read(path));
      if (other === undefined || other.architecture !== architecture) return `Cannot restore: st_init ${path}`;
      if (other.source !== this.#program.source || !other.aligned || !this.#program.aligned)
        return `Cannot restore: ${path} is not aligned`;
    }
    return undefined;
  }

  #pass(ms: number): Promise<void> {
    return this.#call.work(machineMs(this.#call, ms));
  }
}
