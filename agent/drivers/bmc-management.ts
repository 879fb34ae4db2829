/** The Management port over IPMI. */
import { withDeadline } from "../../proto/base/abort.js";
import { type ErrorCode, InvalidArgumentError, LabError } from "../../proto/base/errors.js";
import {
  type BmcOptions,
  identify,
  logEntry,
  readFirmwareBoot,
  readLog,
  sensorKind,
  type Sensor,
  SensorRepository,
  setFirmwareBoot,
} from "../ipmi/index.js";
import type { BmcReport, BootOverride, EventLog, EventLogEntry, Management, SensorReading } from "../ports/management.js";
import type { BmcLease } from "./bmc.js";
import { probeBmc } from "./bmc-probe.js";

interface Signal {
  readonly signal?: AbortSignal | undefined;
}

/** Then the log cannot be read either. */
const noSensors: ReadonlySet<ErrorCode> = new Set(["unreachable", "authentication", "deadline", "cancelled"]);
/** A BMC with hundreds of sensors, the first time: five questions a sensor. */
const readingMs = 110_000;
const longestIdentifyS = 255;

export class IpmiManagement implements Management {
  readonly #lease: BmcLease;
  readonly #options: BmcOptions;
  readonly #repository: SensorRepository;

  constructor(lease: BmcLease, options: BmcOptions) {
    this.#lease = lease;
    this.#options = options;
    this.#repository = new SensorRepository(lease.bmc);
  }

  probe(options?: Signal): Promise<BmcReport> {
    return probeBmc(this.#lease, this.#options, options);
  }

  async identify(how: number | "off" | "forever", options?: Signal): Promise<void> {
    const { bmc } = this.#lease;
    if (typeof how === "number" && !(Number.isInteger(how) && how >= 1 && how <= longestIdentifyS)) {
      throw new InvalidArgumentError(
        `${bmc.label}: an identify light is lit for 1 to ${longestIdentifyS} seconds, not ${how}; or for ever`,
      );
    }
    await identify(bmc, how, options);
  }

  async eventLog(limit: number, options?: Signal): Promise<EventLog> {
    return this.#within("its event log", options, async (signal) => {
      const { count, overflow, records } = await readLog(this.#lease.bmc, limit, { signal });
      const sensors = records.length === 0 ? [] : await this.#knownSensors(signal);
      const byKey = new Map(sensors.map((sensor) => [sensor.key, sensor]));
      return { count, overflow, entries: records.map((record): EventLogEntry => logEntry(record, (key) => byKey.get(key))) };
    });
  }

  async sensors(options?: Signal): Promise<readonly SensorReading[]> {
    return this.#within("its sensors", options, async (signal) => {
      const readings: SensorReading[] = [];
      for (const sensor of await this.#repository.sensors({ signal })) {
        if (!sensor.heardOf) readings.push({ ...described(sensor), ...(await this.#repository.read(sensor, { signal })) });
      }
      return readings;
    });
  }

  async interrupt(options?: Signal): Promise<void> {
    await this.#lease.bmc.chassisControl("diagnosticInterrupt", options);
  }

  bootOverride(options?: Signal): Promise<BootOverride> {
    return readFirmwareBoot(this.#lease.bmc, options);
  }

  setBootOverride(boot: BootOverride, options?: Signal): Promise<BootOverride> {
    return setFirmwareBoot(this.#lease.bmc, boot, options);
  }

  /** For the names of events: a log without them is better than none. */
  async #knownSensors(signal: AbortSignal): Promise<readonly Sensor[]> {
    try {
      return await this.#repository.sensors({ signal });
    } catch (error) {
      if (!(error instanceof LabError) || noSensors.has(error.code)) throw error;
      return [];
    }
  }

  #within<T>(awaited: string, options: Signal | undefined, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const { bmc, clock } = this.#lease;
    return withDeadline(clock, { subject: bmc.label, awaited, deadlineMs: readingMs }, work, options);
  }
}

function described({ name, number, type, unit }: Sensor): Pick<SensorReading, "name" | "kind" | "unit"> {
  return { name: name === "" ? `0x${number.toString(16).padStart(2, "0")}` : name, kind: sensorKind(type), unit };
}
