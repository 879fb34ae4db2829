/** Chassis power, in two layers: what a device can do (PowerDevice) and what a lab wants done (Power). */

export const powerVerbs = ["on", "off", "cycle", "reset", "soft"] as const;
export type PowerVerb = (typeof powerVerbs)[number];
export type PowerState = "on" | "off";

export interface PowerReading {
  readonly state: PowerState;
  readonly fault: boolean;
  /** Why the machine was last powered, as the device tells it; "" when it does not. */
  readonly lastEvent: string;
}

/** One way to switch one machine: a BMC, an outlet. Drivers implement this and nothing more. */
export interface PowerDevice {
  /** For messages: "bmc 10.0.1.10". */
  readonly label: string;
  /** Reads the state. Throws UnreachableError, AuthenticationError, DeadlineError. Never changes anything. */
  read(options?: { signal?: AbortSignal | undefined }): Promise<PowerReading>;
  /**
   * Sends the verb **once**, never again: a lost reply throws UnreachableError and leaves it open whether the device acted.
   * - on, off: immediate.
   * - reset: hard reset of a running machine; UnsupportedError when it is off.
   * - soft: asks the operating system to shut down; may be ignored by it.
   */
  send(verb: "on" | "off" | "reset" | "soft", options?: { signal?: AbortSignal | undefined }): Promise<void>;
  close(): Promise<void>;
}

export interface PowerRequest {
  readonly verb: PowerVerb;
  /** Names this act; the same key again returns the first result and does not act again. */
  readonly key: string;
  /** How long the state may take to be as asked. */
  readonly deadlineMs: number;
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
}
