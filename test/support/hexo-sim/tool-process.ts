/** A stand-in tool running in this process as if it were one of its own: output, signals, an end. */
import { systemClock, sleep } from "../../../proto/base/clock.js";
import type { MachineView } from "../../../agent/sim/tools/machine-view.js";
import type { Tool } from "../../../agent/sim/tools/tool.js";

export interface ProcessEnd {
  readonly exitCode?: number;
  readonly signal?: NodeJS.Signals;
}

class Killed extends Error {}

let nextPid = 70_000;

export class ToolProcess {
  readonly pid = (nextPid += 1);
  /** Never rejects but by a defect of the tool. */
  readonly ended: Promise<ProcessEnd>;
  stdout = "";
  stderr = "";
  readonly #handlers = new Map<string, () => void>();
  #killedBy: NodeJS.Signals | undefined;
  #hasEnded = false;

  constructor(tool: Tool, start: { argv: readonly string[]; machine: MachineView; env: Readonly<Record<string, string | undefined>> }) {
    this.ended = this.#run(tool, start);
  }

  get running(): boolean {
    return !this.#hasEnded;
  }

  /** Calls the tool's handler; without one, and always for SIGKILL, the process ends at the next moment it lets time pass. */
  signal(signal: NodeJS.Signals): void {
    const handler = this.#handlers.get(signal);
    if (handler !== undefined) handler();
    else this.#killedBy ??= signal;
  }

  async #run(tool: Tool, { argv, machine, env }: ConstructorParameters<typeof ToolProcess>[1]): Promise<ProcessEnd> {
    try {
      const exitCode = await tool({
        argv,
        machine,
        pid: this.pid,
        now: () => systemClock.now(),
        work: (milliseconds) => this.#pass(milliseconds),
        stdin: () => Promise.resolve(""),
        env,
        onSignal: (signal, handler) => void this.#handlers.set(signal, handler),
        out: (text) => void (this.stdout += text),
        err: (text) => void (this.stderr += text),
      });
      return { exitCode };
    } catch (error) {
      if (error instanceof Killed && this.#killedBy !== undefined) return { signal: this.#killedBy };
      throw error;
    } finally {
      this.#hasEnded = true;
    }
  }

  async #pass(milliseconds: number): Promise<void> {
    if (this.#killedBy === undefined) await sleep(systemClock, milliseconds);
    if (this.#killedBy !== undefined) throw new Killed();
  }
}
