/**
 * Power of a virtual machine by libvirt: one call of `virsh` (Debian: libvirt-clients) for each verb. No connection is kept, so a libvirtd
 * that is restarted is not noticed. virsh fails with exit code 1 whatever happened; what it says in the C locale tells cases apart.
 */
import type { Clock } from "../../../proto/base/clock.js";
import {
  AuthenticationError,
  FailedError,
  NotFoundError,
  PermissionError,
  UnreachableError,
  UnsupportedError,
  type LabError,
} from "../../../proto/base/errors.js";
import type { PowerDevice, PowerReading, PowerState } from "../../ports/power.js";
import { callProgram, type ProgramEnding } from "./program.js";

const deadlineMs = 30_000;

/** virsh's commands. `destroy` pulls the plug; nothing of the machine is removed. */
const commands = { on: "start", off: "destroy", reset: "reset", soft: "shutdown" } as const;

/** What `virsh domstate` prints, and whether the machine has power then. A crashed one that is kept must be switched off first. */
const states: Readonly<Record<string, PowerState>> = {
  running: "on",
  idle: "on",
  paused: "on",
  "in shutdown": "on",
  pmsuspended: "on",
  crashed: "on",
  "shut off": "off",
};

/** Reasons (`domstate --reason`) that are nobody's wish. */
const faults: ReadonlySet<string> = new Set(["crashed", "panicked", "failed", "I/O error"]);

export class LibvirtPowerDevice implements PowerDevice {
  readonly label: string;
  readonly #uri: string;
  readonly #domain: string;
  readonly #clock: Clock;

  /** `domain`: name, UUID or id. */
  constructor(options: { uri: string; domain: string; clock: Clock }) {
    this.#uri = options.uri;
    this.#domain = options.domain;
    this.#clock = options.clock;
    this.label = `libvirt domain ${options.domain} at ${options.uri}`;
  }

  /** Tells no `start`: a reset leaves no trace in what libvirt knows of a domain. */
  async read(options?: { signal?: AbortSignal | undefined }): Promise<PowerReading> {
    const ending = await this.#virsh("domstate", ["--reason"], options);
    if (ending.exitCode !== 0) throw this.#error("domstate", ending);
    const printed = ending.stdout.trim();
    const [, word = "", reason = ""] = /^(.+?)(?: \((.*)\))?$/.exec(printed) ?? [];
    const state = states[word];
    if (state === undefined) {
      throw new FailedError(`${this.label}: virsh domstate printed ${JSON.stringify(printed)}, which is no state known here`);
    }
    return { state, fault: word === "crashed" || faults.has(reason), lastEvent: printed };
  }

  async send(verb: "on" | "off" | "reset" | "soft", options?: { signal?: AbortSignal | undefined }): Promise<void> {
    const ending = await this.#virsh(commands[verb], [], options);
    if (ending.exitCode === 0) return;
    if (verb === "on" && /domain is already active/i.test(ending.stderr)) return;
    // The hypervisors' drivers do not agree on the words.
    if (/domain (?:'.*' )?(?:is )?not running/i.test(ending.stderr)) {
      if (verb === "off" || verb === "soft") return;
      throw new UnsupportedError(`${this.label}: reset needs a machine that is on; use on`);
    }
    throw this.#error(verb, ending);
  }

  /** There is nothing to let go of. */
  async close(): Promise<void> {}

  #virsh(command: string, flags: readonly string[], options?: { signal?: AbortSignal | undefined }): Promise<ProgramEnding> {
    const call = {
      subject: `${this.label}: virsh ${command}`,
      // Names are joined to their option: one that begins with a dash is a name all the same.
      argv: ["virsh", "--quiet", `--connect=${this.#uri}`, command, ...flags, `--domain=${this.#domain}`],
      env: { LC_ALL: "C", LANGUAGE: "" },
      deadlineMs,
      remedy: "on the agent's machine: apt-get install libvirt-clients",
    };
    return callProgram(this.#clock, call, options);
  }

  #error(verb: string, { exitCode, stderr }: ProgramEnding): LabError {
    const said = virshComplaint(stderr);
    return virshError(`${this.label} ${verb}`, exitCode === null ? `virsh was killed; ${said}` : said, this.#uri);
  }
}

/** virsh's last words, without its "error: ". */
function virshComplaint(stderr: string): string {
  const lines = stderr.split("\n").map((line) => line.replace(/^error: /, "").trim());
  return lines.filter((line) => line !== "").join(": ") || "virsh said nothing";
}

/** The error virsh's complaint stands for. First match wins: a refused login is told as a failed connection too. Pure. */
export function virshError(subject: string, said: string, uri: string): LabError {
  const message = (next: string) => `${subject}: ${said}; ${next}`;
  if (/failed to get domain|no domain with matching|Domain not found/i.test(said)) {
    return new NotFoundError(message(`its domains: virsh -c ${uri} list --all`));
  }
  if (/authentication (failed|unavailable|cancelled|required)|Permission denied|Host key verification failed/i.test(said)) {
    return new AuthenticationError(message("the agent's user must be let in: group libvirt for a local socket, a key for ssh"));
  }
  if (/access denied|operation forbidden|read only access/i.test(said)) {
    return new PermissionError(message("the agent's user may connect there, not do this"));
  }
  if (/not supported by the connection driver/i.test(said)) {
    return new UnsupportedError(message("this hypervisor does not have it; use off, on or cycle"));
  }
  if (
    /failed to connect to the hypervisor|Disconnected from|End of file while reading|Cannot recv data|client socket is closed|virsh was killed/i.test(
      said,
    )
  ) {
    return new UnreachableError(message(`check with: virsh -c ${uri} list --all`));
  }
  return new FailedError(message(`try it by hand: virsh -c ${uri}`));
}
