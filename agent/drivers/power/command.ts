/** Power by an external program: a relay board, a switched outlet. Its contract is docs/power.md, "command". */
import type { Clock } from "../../../proto/base/clock.js";
import { AuthenticationError, FailedError, UnreachableError, UnsupportedError, type LabError } from "../../../proto/base/errors.js";
import type { PowerDevice, PowerReading } from "../../ports/power.js";
import { askedBefore } from "./answer.js";
import { callProgram, type ProgramEnding } from "./program.js";

const deadlineMs = 30_000;

/** For a verb the program does not have. */
const instead: Readonly<Record<string, string>> = { soft: "use off", reset: "use cycle" };

export class CommandPowerDevice implements PowerDevice {
  readonly label: string;
  readonly #node: string;
  readonly #argv: readonly string[];
  readonly #clock: Clock;

  /** `argv`: program and arguments; the verb is appended. `node`: told to the program as LAB_NODE. */
  constructor(options: { node: string; argv: readonly string[]; clock: Clock }) {
    this.#node = options.node;
    this.#argv = options.argv;
    this.#clock = options.clock;
    this.label = `power command ${options.argv[0] ?? ""}`;
  }

  async read(options?: { signal?: AbortSignal | undefined }): Promise<PowerReading> {
    const { stdout } = await this.#call("status", options);
    const [line = ""] = stdout.trimStart().split("\n", 1);
    const [state, ...rest] = line.trim().split(/\s+/);
    if (!/^(on|off)$/i.test(state ?? "")) {
      throw new FailedError(`${this.label} status: printed ${JSON.stringify(stdout.slice(0, 80))}; its first word must be "on" or "off"`);
    }
    const start = rest.find((word) => /^start=./.test(word))?.slice("start=".length);
    return { state: state?.toLowerCase() === "on" ? "on" : "off", fault: false, lastEvent: "", start };
  }

  async send(verb: "on" | "off" | "reset" | "soft", options?: { signal?: AbortSignal | undefined }): Promise<void> {
    if (verb === "reset" && (await askedBefore(this.read(options))).state === "off") {
      throw new UnsupportedError(`${this.label}: the machine is off and cannot be reset; use on`);
    }
    await this.#call(verb, options);
  }

  /** There is nothing to let go of. */
  async close(): Promise<void> {}

  async #call(verb: string, options?: { signal?: AbortSignal | undefined }): Promise<ProgramEnding> {
    const call = {
      subject: `${this.label} ${verb}`,
      argv: [...this.#argv, verb],
      env: { LAB_NODE: this.#node },
      deadlineMs,
      remedy: "check the inventory's power command",
    };
    const ending = await callProgram(this.#clock, call, options);
    if (ending.exitCode !== 0) throw this.#refusal(verb, ending);
    return ending;
  }

  /** Exit codes as in sysexits.h. */
  #refusal(verb: string, { exitCode, stderr }: ProgramEnding): LabError {
    const said = stderr.trim().split("\n").at(-1) || "and said nothing";
    const message = `${this.label} ${verb}: exit code ${exitCode ?? "none (killed)"}: ${said}`;
    const details = { facts: { exitCode: exitCode ?? undefined } };
    switch (exitCode) {
      case 64:
        return new UnsupportedError(`${message}; ${instead[verb] ?? "a power command must know status, on and off"}`, details);
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
