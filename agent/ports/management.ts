/** What a machine's BMC can do beside power and console. */

export interface Management {
  /** Finds out what there is, from nothing. Changes nothing; throws only what a cancelled call throws: whatever fails is a problem told. */
  probe(options?: Waiting): Promise<BmcReport>;
  /** Lights the identify LED: seconds (1…255), off, or until switched off. UnsupportedError where it cannot. */
  identify(how: number | "off" | "forever", options?: Waiting): Promise<void>;
  /** The newest `limit` entries of the system event log, oldest first. */
  eventLog(limit: number, options?: Waiting): Promise<EventLog>;
  sensors(options?: Waiting): Promise<readonly SensorReading[]>;
  /** Sends a diagnostic interrupt (NMI) **once**: UnreachableError leaves it open whether it arrived. */
  interrupt(options?: Waiting): Promise<void>;
  bootOverride(options?: Waiting): Promise<BootOverride>;
  /** Sets and reads back; the reading is the result. */
  setBootOverride(boot: BootOverride, options?: Waiting): Promise<BootOverride>;
}

interface Waiting {
  readonly signal?: AbortSignal | undefined;
}

export interface BootOverride {
  /** "none", "pxe", "disk", "cdrom", "setup", "diagnostics"…; "none" takes the choice back. */
  readonly device: string;
  readonly persistent: boolean;
  readonly efi: boolean;
}

export interface EventLog {
  /** In the log, told or not. */
  readonly count: number;
  readonly overflow: boolean;
  readonly entries: readonly EventLogEntry[];
}

export interface EventLogEntry {
  readonly id: number;
  /** Since the Unix epoch by the BMC's clock; 0 = before its clock was set. */
  readonly timeMs: number;
  /** "temperature CPU1 Temp"; the sensor's number where its name is not known: "power supply 0x51". */
  readonly sensor: string;
  /** "upper critical going high: 95 °C, threshold 90 °C". */
  readonly event: string;
  readonly deasserted: boolean;
  /** As it came. */
  readonly record: Uint8Array;
}

export interface SensorReading {
  readonly name: string;
  /** "temperature", "fan", "voltage"… */
  readonly kind: string;
  /** Undefined when there is none or it is no number. */
  readonly value: number | undefined;
  /** "°C", "RPM", "V"; "" when there is none. */
  readonly unit: string;
  /** "ok", "ok: presence detected", "not available", or what is wrong: "upper critical". */
  readonly status: string;
}

export interface BmcReport {
  readonly address: string;
  /** "" for each that could not be asked. */
  readonly manufacturer: string;
  readonly product: string;
  readonly firmware: string;
  readonly ipmiVersion: string;
  readonly guid: string;
  /** In the order they are tried. */
  readonly suites: readonly { readonly id: number; readonly advertised: boolean; readonly works: boolean; readonly detail: string }[];
  readonly users: readonly { readonly id: number; readonly name: string; readonly privilege: string; readonly enabled: boolean }[];
  readonly sol: SolSettings | undefined;
  /** Workarounds it needs: names of the quirk table, and what was seen. */
  readonly quirks: readonly { readonly name: string; readonly symptom: string }[];
  /** What is wrong or could not be found out, each with its next step. */
  readonly problems: readonly string[];
  /** One status on the session in use; 0 when none could be opened. */
  readonly roundTripMs: number;
  readonly packets: number;
}

export interface SolSettings {
  readonly enabled: boolean;
  /** 0 = as the serial line is set. */
  readonly baudRate: number;
  readonly nonvolatileBaudRate: number;
  readonly privilege: string;
  readonly forceEncryption: boolean;
  /** UDP; 0 = not told. */
  readonly port: number;
}
