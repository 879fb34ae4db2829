/** Chassis power, in two layers: what a device can do (PowerDevice) and what a lab wants done (Power). */
import { UnreachableError } from "../../proto/base/errors.js";
import type { Management } from "./management.js";

export const powerVerbs = ["on", "off", "cycle", "reset", "soft"] as const;
export type PowerVerb = (typeof powerVerbs)[number];
export type PowerState = "on" | "off";

export interface PowerReading {
  readonly state: PowerState;
  readonly fault: boolean;
  /** Why the machine was last powered, as the device tells it; "" when it does not. */
  readonly lastEvent: string;
  /** Changes whenever the machine starts anew, where the device can tell (a boot id, a time of reset): proof of a reset. */
  readonly start?: string | undefined;
  /** What an operator is asked to do now, where the device is one. */
  readonly asks?: string | undefined;
}

/** The device did not answer what is asked before a verb is sent: it has done nothing, and may be told again. */
export class NotSentError extends UnreachableError {}

/** One way to switch one machine: a BMC, an outlet. Drivers implement this and nothing more. */
export interface PowerDevice {
  /** For messages: "bmc 10.0.1.10". */
  readonly label: string;
  /** Reads the state. Throws UnreachableError, AuthenticationError, DeadlineError. Never changes anything. */
  read(options?: { signal?: AbortSignal | undefined }): Promise<PowerReading>;
  /**
   * Sends the verb **once**, never again: a lost reply throws UnreachableError and leaves it open whether the device acted.
   * ExhaustedError: it is busy and has done nothing; it may be told again. NotSentError: it was not told.
   * - on, off: immediate.
   * - reset: hard reset of a running machine; UnsupportedError when it is off.
   * - soft: asks the operating system to shut down; may be ignored by it.
   */
  send(verb: "on" | "off" | "reset" | "soft", options?: { signal?: AbortSignal | undefined }): Promise<void>;
  close(): Promise<void>;
  /** Datagrams or requests that went to and came from the device so far, but its console's. Absent where they are not counted. */
  packets?(): number;
  /** Takes an operator's word for what was done by hand. Absent on every device that can be asked. */
  confirm?(state: PowerState): Promise<void>;
  /** What it can do beside power. Absent where nothing. */
  readonly management?: Management | undefined;
}

export interface PowerRequest {
  readonly verb: PowerVerb;
  /** Names this act; the same key again returns the first result and does not act again. */
  readonly key: string;
  /** How long the state may take to be as asked, from when the act's turn has come; the on of a cycle has 30 s of its own at least. */
  readonly deadlineMs: number;
  /** How long it may wait for its turn. */
  readonly queueMs: number;
  /** Asked when its turn has come: who has waited for long may have lost the right to act, and is then refused by what this throws. */
  readonly permit?: (() => Promise<void>) | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface PowerResult {
  readonly before: PowerState;
  readonly after: PowerState;
  /** False when nothing had to be done. */
  readonly acted: boolean;
  readonly elapsedMs: number;
  /** True when remembered from an earlier call with the same key. */
  readonly replayed: boolean;
  /** False when the act had begun before a restart and its end was read from the device, not seen. */
  readonly witnessed: boolean;
  /** Console offset of the machine right before the act, the same however often the result is told; 0 when it has no console. */
  readonly consoleOffset: number;
  /** Datagrams or requests exchanged with the device for this act; 0 where they are not counted. */
  readonly packets: number;
  /** Of `elapsedMs`, the time spent waiting for its turn. */
  readonly waitedMs: number;
}

/** What protects a machine's power, from its inventory entry. */
export interface PowerSafety {
  /** Power group; "" = none. */
  readonly group: string;
  /** Least time off before it is switched on again; 0 = no more than the agent's settling time. */
  readonly minOffMs: number;
  /** How often it may be switched on or reset within an hour; 0 = no limit. */
  readonly cyclesPerHour: number;
  /** Why its power must not be touched; "" = it may be. */
  readonly hold: string;
}

/** What the machines on one PDU share. */
export interface PowerGroup {
  readonly name: string;
  /** Transitions under way at the same time; 0 = no limit. */
  readonly atOnce: number;
  /** Least time between two machines of the group being switched on. */
  readonly staggerMs: number;
}

/** The machine's console, as far as its power is concerned: serial evidence of an act lies after the act's mark. */
export interface PoweredConsole {
  /** Offset after the last captured byte. */
  endOffset(): number;
  /** Power is about to be switched: marks it, and gives the offset right before. */
  markPower(verb: PowerVerb): number;
}

/**
 * Power as a lab wants it: read, decide, act at most once, verify.
 * on when on, off when off: success without an act. cycle: off, settle, on, verified; of an off machine: on.
 */
export interface Power {
  read(options?: { signal?: AbortSignal | undefined }): Promise<PowerReading>;
  /** Throws DeadlineError when the state does not come about, with the state read last. */
  set(request: PowerRequest): Promise<PowerResult>;
  /** An operator's word for what was done by hand. UnsupportedError on a device that can be asked. */
  confirm(state: PowerState): Promise<PowerReading>;
  /** UnsupportedError when the device can nothing beside power. */
  readonly management: Management;
  /** Why its power must not be touched; "" = it may be. */
  readonly hold: string;
  /** Resolves when the acts asked for so far have ended; undefined when there are none. */
  readonly underWay: Promise<void> | undefined;
}
