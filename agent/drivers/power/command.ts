/**
 * Power by an external program: a relay board, a switched outlet, a virtual machine. The program is called with one argument appended
 * to those configured:
 *
 * - `status`: prints `on` or `off` as its first word; changes nothing.
 * - `on`, `off`: immediate; exit 0 when the request was accepted. `reset`: hard reset of a running machine.
 *
 * Exit codes as in sysexits.h: 0 done, 64 the verb is not supported, 69 or 75 the device does not answer, 77 it refuses our credentials;
 * any other: it failed, and the last line of standard error says why. An argv shows in the process table: secrets belong into a file
 * the program reads.
 */
import { spawn } from "node:child_process";
import { withDeadline } from "../../../proto/base/abort.js";
import type { Clock } from "../../../proto/base/clock.js";
import { AuthenticationError, FailedError, UnreachableError, UnsupportedError, type LabError } from "../../../proto/base/errors.js";
import type { PowerDevice, PowerReading } from "../../ports/power.js";

const deadlineMs = 30_000;
/** Enough for a word and a complaint. */
const keptCharacters = 4096;

interface Ending {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export class CommandPowerDevice implements PowerDevice {
  readonly label: string;
  readonly #argv: readonly string[];
  readonly #clock: Clock;

  /** `argv`: program and arguments; the verb is appended. */
  constructor(options: { argv: readonly string[]; clock: Clock }) {
    this.#argv = options.argv;
    this.#clock = options.clock;
    this.label = `power command ${options.argv[0] ?? ""}`;
  }

  async read(options?: { signal?: AbortSignal | undefined }): Promise<PowerReading> {
    const { stdout } = await this.#call("status", options);
    const state = stdout.trim().split(/\s/, 1)[0]?.toLowerCase();
    if (state === "on" || state === "off") return { state, fault: false, lastEvent: "" };
    throw new FailedError(`${this.label} status: printed ${JSON.stringify(stdout.slice(0, 80))}; its first word must be "on" or "off"`);
  }

  async send(verb: "on" | "off" | "reset" | "soft", options?: { signal?: AbortSignal | undefined }): Promise<void> {
    if (verb === "soft") throw new UnsupportedError(`${this.label}: a program cannot ask the operating system to shut down; use off`);
    if (verb === "reset" && (await this.read(options)).state === "off") {
      throw new UnsupportedError(`${this.label}: the machine is off and cannot be reset; use on`);
    }
    await this.#call(verb, options);
  }

  /** There is nothing to let go of. */
  async close(): Promise<void> {}

  async #call(verb: string, options?: { signal?: AbortSignal | undefined }): Promise<Ending> {
    const wait = { subject: this.label, awaited: `the end of "${verb}"`, deadlineMs };
    const ending = await withDeadline(this.#clock, wait, (signal) => this.#run(verb, signal), options);
    if (ending.exitCode !== 0) throw this.#refusal(verb, ending);
    return ending;
  }

  #run(verb: string, signal: AbortSignal): Promise<Ending> {
    const [program = "", ...args] = this.#argv;
    return new Promise((resolve, reject) => {
      const child = spawn(program, [...args, verb], { stdio: ["ignore", "pipe", "pipe"], detached: true });
      const output = { stdout: "", stderr: "" };
      for (const stream of ["stdout", "stderr"] as const) {
        child[stream].setEncoding("utf8").on("data", (text: string) => {
          output[stream] = (output[stream] + text).slice(-keptCharacters);
        });
      }
      // The whole group: what the program started must not act after we have given up.
      const onAbort = () => killGroup(child.pid);
      signal.addEventListener("abort", onAbort, { once: true });
      child.once("error", (cause) => {
        reject(new FailedError(`${this.label}: did not start: ${cause.message}; check the inventory's power command`, { cause }));
      });
      child.once("close", (exitCode) => {
        signal.removeEventListener("abort", onAbort);
        resolve({ exitCode, ...output });
      });
    });
  }

  #refusal(verb: string, { exitCode, stderr }: Ending): LabError {
    const said = stderr.trim().split("\n").at(-1) || "and said nothing";
    const message = `${this.label} ${verb}: exit code ${exitCode ?? "none (killed)"}: ${said}`;
    const details = { facts: { exitCode: exitCode ?? undefined } };
    switch (exitCode) {
      case 64:
        return new UnsupportedError(message, details);
      case 69:
      case 75:
      case null:
        return new UnreachableError(message, details);
      case 77:
        return new AuthenticationError(message, details);
      default:
        return new FailedError(message, details);
    }
  }
}

function killGroup(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, "SIGKILL");
  } catch {
    // It has just ended by itself.
  }
}
