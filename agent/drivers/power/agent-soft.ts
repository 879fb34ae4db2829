/**
 * Power by the node's own operating system, through the agent that runs its commands: its own, or one that reaches it by ssh. It can start
 * the machine anew and prove that by the boot id. It can neither switch it on nor see it off: off, it does not answer.
 */
import { unlessAborted } from "../../../proto/base/abort.js";
import type { Clock } from "../../../proto/base/clock.js";
import { UnsupportedError } from "../../../proto/base/errors.js";
import type { Machine } from "../../ports/facts.js";
import type { PowerDevice, PowerReading } from "../../ports/power.js";
import { answerOf } from "./answer.js";

/** Longer than a machine's own patience with its reboot program, and than the silence an ssh connection stands. */
const deadlineMs = 45_000;

export class AgentPowerDevice implements PowerDevice {
  readonly label: string;
  readonly #node: string;
  readonly #machine: () => Machine | undefined;
  readonly #clock: Clock;

  /** `machine`: the node as this agent acts on it; undefined while it does not. */
  constructor(options: { node: string; machine: () => Machine | undefined; clock: Clock }) {
    this.#node = options.node;
    this.#machine = options.machine;
    this.#clock = options.clock;
    this.label = `operating system of ${options.node}`;
  }

  async read(options?: { signal?: AbortSignal | undefined }): Promise<PowerReading> {
    const bootId = await this.#ask("its boot id", (machine, signal) => machine.bootId({ signal }), options);
    return { state: "on", fault: false, lastEvent: "", start: bootId === "" ? undefined : bootId };
  }

  async send(verb: "on" | "off" | "reset" | "soft", options?: { signal?: AbortSignal | undefined }): Promise<void> {
    if (verb !== "reset") throw this.#unsupported(`it can only be reset, not switched ${verb}; use reset, or its switch`);
    await this.#ask("the reboot to be accepted", (machine, signal) => unlessAborted(machine.reboot(), signal), options);
  }

  /** The machine is the agent's, not ours. */
  async close(): Promise<void> {}

  async #ask<T>(
    awaited: string,
    work: (machine: Machine, signal: AbortSignal) => Promise<T>,
    options?: { signal?: AbortSignal | undefined },
  ): Promise<T> {
    const machine = this.#machine();
    if (machine === undefined)
      throw this.#unsupported("this agent runs nothing there; start it with --node, or give the node ssh: { via: … }");
    const wait = { subject: this.label, awaited, deadlineMs, next: "see whether the machine is up and its console says why" };
    return answerOf(this.#clock, wait, (signal) => work(machine, signal), options);
  }

  #unsupported(reason: string): UnsupportedError {
    return new UnsupportedError(`${this.label}: ${reason}`, { facts: { node: this.#node } });
  }
}
