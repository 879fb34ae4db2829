/** `lab` as people and scripts run it: the real program, its output in a pipe. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import type { Test } from "tap";
import { programs } from "../../../controller/cli/local/programs.js";
import { systemClock } from "../../../proto/base/clock.js";
import { until } from "../host/processes.js";

export interface CliResult {
  /** Null when a signal ended it. */
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A `lab` command that runs now. Killed when the test ends. */
export class CliProcess {
  readonly #child: ChildProcess;
  readonly #output = { stdout: "", stderr: "" };

  constructor(t: Test, directory: string, args: readonly string[]) {
    const child = spawn(process.execPath, [programs.cli, "--dir", directory, ...args], { stdio: ["pipe", "pipe", "pipe"] });
    this.#child = child;
    for (const stream of ["stdout", "stderr"] as const)
      child[stream].setEncoding("utf8").on("data", (text: string) => (this.#output[stream] += text));
    t.teardown(() => void child.kill("SIGKILL"));
  }

  get stdout(): string {
    return this.#output.stdout;
  }

  type(keys: string): void {
    this.#child.stdin?.write(keys);
  }

  signal(name: NodeJS.Signals): void {
    this.#child.kill(name);
  }

  async printed(pattern: RegExp, withinMs = 60_000): Promise<void> {
    await until(() => pattern.test(this.stdout) || this.#ended, `lab to print ${String(pattern)}`, { withinMs });
    if (!pattern.test(this.stdout)) throw new Error(`lab ended without printing ${String(pattern)}:\n${this.stdout}${this.#output.stderr}`);
  }

  /** Its end; killed when it does not come in time. */
  async result(withinMs = 60_000): Promise<CliResult> {
    const timer = systemClock.after(withinMs, () => this.#child.kill("SIGKILL"));
    if (!this.#ended || this.#child.stdout?.closed === false) await once(this.#child, "close");
    timer.cancel();
    return { exitCode: this.#child.exitCode, ...this.#output };
  }

  get #ended(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }
}
