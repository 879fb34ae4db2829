/** One machine, the verified power of an agent over it, and what of it outlives the agent. */
import { join } from "node:path";
import type { Test } from "tap";
import { Acts } from "../../../agent/drivers/power/acts.js";
import { PowerGate } from "../../../agent/drivers/power/gate.js";
import { VerifiedPower } from "../../../agent/drivers/power/verified.js";
import { WearFile } from "../../../agent/drivers/power/wear-file.js";
import type { PowerDevice, PowerRequest, PowerSafety, PowerState, PowerVerb } from "../../../agent/ports/power.js";
import { silentLogger } from "../../../proto/base/logger.js";
import { FakeClock } from "../fake-clock.js";
import { FakePowerDevice } from "./fake-power-device.js";
import { letTimePass } from "./let-time-pass.js";
import { scratchDirectory } from "./scratch.js";

export class PowerRig {
  readonly clock = new FakeClock();
  readonly device: FakePowerDevice;
  readonly marks: string[] = [];
  /** Of the last agent. */
  gate: PowerGate | undefined;
  #safety: PowerSafety = { group: "", minOffMs: 0, cyclesPerHour: 0, hold: "" };
  readonly #directory: string;

  constructor(state: PowerState, directory: string) {
    this.device = new FakePowerDevice(state, this.clock);
    this.#directory = directory;
  }

  /** An agent over the machine and the acts on disk; a second one is the agent after a restart. */
  async agent(device: PowerDevice = this.device): Promise<VerifiedPower> {
    const { clock } = this;
    const wear = await WearFile.open(join(this.#directory, "wear.json"), clock);
    const gate = new PowerGate({ clock, log: silentLogger, window: 64, settleMs: 5000, wear });
    this.gate = gate;
    this.protect({});
    return new VerifiedPower({
      node: "p0",
      device,
      gate,
      acts: await Acts.open(join(this.#directory, "acts")),
      console: {
        endOffset: () => 1000 + this.marks.length,
        markPower: (verb) => {
          this.marks.push(verb);
          return 999 + this.marks.length;
        },
      },
      clock,
      log: silentLogger,
      pollMs: 500,
    });
  }

  /** What the inventory says from now on. */
  protect(safety: Partial<PowerSafety>): void {
    this.#safety = { ...this.#safety, ...safety };
    this.gate?.protect({ groups: new Map(), safety: new Map([["p0", this.#safety]]) });
  }

  finish<T>(work: Promise<T>): Promise<T> {
    return letTimePass(this.clock, work);
  }

  /** From the moment a verb is on its way the agent hears nothing more: its act has begun and never ends. */
  dieAt(verb: "on" | "off" | "reset", takesEffect: boolean): void {
    this.device.onSend = (sent) => {
      if (sent !== verb) return;
      this.device.onSend = () => {};
      if (!takesEffect) this.device.ignoreVerb();
      this.device.goSilent(Infinity);
      this.device.loseReply();
    };
  }

  revive(): Promise<VerifiedPower> {
    this.device.goSilent(0);
    return this.agent();
  }
}

export function request(verb: PowerVerb, key = `key of ${verb}`, more: Partial<PowerRequest> = {}): PowerRequest {
  return { verb, key, deadlineMs: 120_000, queueMs: 600_000, ...more };
}

export async function powerRig(t: Test, state: PowerState): Promise<PowerRig> {
  const made = new PowerRig(state, await scratchDirectory(t));
  t.teardown(() => {
    if (made.clock.pendingTimers > 0) throw new Error(`${made.clock.pendingTimers} timers are left`);
  });
  return made;
}
