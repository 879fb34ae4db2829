/**
 * The sensors of a BMC, read from its repository record by record and kept while the repository's times stay the same.
 *
 * Records are read in parts of at most 16 bytes, which every BMC can send. A part needs a reservation; somebody else's takes ours
 * away, and it is taken again a few times only: two readers could keep each other from ever coming to the end.
 */
import { ConflictError, FailedError, UnreachableError } from "../../../proto/base/errors.js";
import {
  type Carrier,
  getSdr,
  getSdrRepositoryInfo,
  getSensorReading,
  getSensorReadingFactors,
  recordId,
  type ReplyOf,
  reserveSdrRepository,
  sensorRecordHead,
  sensorRecordHeadBytes,
} from "../command/index.js";
import { completionOf } from "../completion.js";
import { completionCode, concatBytes, decode, MalformedPacketError } from "../wire/index.js";
import { type Conversion, nonLinear } from "./conversion.js";
import { interpret, notAvailable, type Reading } from "./reading.js";
import { type Sensor, sensorsOf } from "./sensor.js";

interface Signal {
  readonly signal?: AbortSignal | undefined;
}

const partBytes = 16;
const leastPartBytes = 4;
const reservationsInAll = 8;
const mostRecords = 4096;

/** "I cannot send that many bytes", as BMCs say it. */
const tooMany: ReadonlySet<number> = new Set([
  completionCode.cannotReturnLength,
  completionCode.requestLengthExceeded,
  completionCode.outOfSpace,
  completionCode.unspecified,
]);

export class SensorRepository {
  readonly #bmc: Carrier;
  #kept: { readonly stamp: string; readonly sensors: readonly Sensor[] } | undefined;

  constructor(bmc: Carrier) {
    this.#bmc = bmc;
  }

  /** In the repository's order. Throws UnsupportedError when it has none, ConflictError when somebody else keeps taking the reservation. */
  async sensors(options?: Signal): Promise<readonly Sensor[]> {
    const info = await this.#bmc.send(getSdrRepositoryInfo, {}, options);
    const stamp = stampOf(info);
    if (this.#kept?.stamp !== stamp) this.#kept = { stamp, sensors: await new Walk(this.#bmc, stamp, options).sensors() };
    return this.#kept.sensors;
  }

  /** Asks one sensor. A sensor the BMC has no reading of is "not available", not an error. */
  async read(sensor: Sensor, options?: Signal): Promise<Reading> {
    if (!sensor.readable) return notAvailable;
    try {
      const reply = await this.#bmc.send(getSensorReading, { sensor: sensor.number }, options);
      return interpret(sensor, reply, await this.#conversion(sensor, reply.reading, options));
    } catch (error) {
      if (completionOf(error) === undefined || completionOf(error) === completionCode.insufficientPrivilege) throw error;
      return notAvailable;
    }
  }

  async #conversion({ conversion, number }: Sensor, reading: number, options?: Signal): Promise<Conversion | undefined> {
    if (conversion === undefined || conversion.linearization < nonLinear) return conversion;
    const { factors } = await this.#bmc.send(getSensorReadingFactors, { sensor: number, reading }, options);
    return { ...conversion, factors };
  }
}

/** One way through the repository. */
class Walk {
  readonly #bmc: Carrier;
  readonly #stamp: string;
  readonly #options: Signal | undefined;
  #reservation = 0;
  #reservations = 0;
  #partBytes = partBytes;

  constructor(bmc: Carrier, stamp: string, options: Signal | undefined) {
    this.#bmc = bmc;
    this.#stamp = stamp;
    this.#options = options;
  }

  async sensors(): Promise<readonly Sensor[]> {
    await this.#reserve();
    const sensors: Sensor[] = [];
    const seen = new Set<number>();
    let id: number = recordId.first;
    while (id !== recordId.last && !seen.has(id) && seen.size < mostRecords) {
      seen.add(id);
      const record = await this.#keeping(() => this.#record(id));
      sensors.push(...record.sensors);
      id = record.next;
    }
    return sensors;
  }

  async #record(id: number): Promise<{ next: number; sensors: readonly Sensor[] }> {
    const { next, data } = await this.#part(id, 0, sensorRecordHeadBytes);
    try {
      const head = decode(sensorRecordHead, data, "SDR head");
      return { next, sensors: sensorsOf(head.type, isSensor(head.type) ? await this.#body(id, head.length) : new Uint8Array(0)) };
    } catch (error) {
      // A record that cannot be read says nothing about the others.
      if (error instanceof MalformedPacketError) return { next, sensors: [] };
      throw error;
    }
  }

  async #body(id: number, length: number): Promise<Uint8Array> {
    const parts: Uint8Array[] = [];
    for (let at = 0; at < length; ) {
      const { data } = await this.#part(id, sensorRecordHeadBytes + at, Math.min(this.#partBytes, length - at));
      if (data.length === 0) break;
      parts.push(data);
      at += data.length;
    }
    return concatBytes(...parts).subarray(0, length);
  }

  /** Fewer bytes at a time from now on when the BMC cannot send so many. May then give fewer than asked for. */
  async #part(record: number, offset: number, count: number): Promise<ReplyOf<typeof getSdr>> {
    try {
      return await this.#bmc.send(getSdr, { reservation: this.#reservation, record, offset, count }, this.#options);
    } catch (error) {
      const smaller = Math.floor(count / 2);
      if (!tooMany.has(completionOf(error) ?? 0) || offset === 0 || smaller < leastPartBytes) throw error;
      this.#partBytes = smaller;
      return this.#part(record, offset, smaller);
    }
  }

  /** Runs `work` again under a new reservation when the one there was is lost. */
  async #keeping<T>(work: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await work();
      } catch (cause) {
        if (completionOf(cause) !== completionCode.reservationCanceled) throw cause;
        if (this.#reservations >= reservationsInAll) {
          throw new ConflictError(`${this.#bmc.label}: somebody else keeps reading or writing its sensor repository; try again later`, {
            cause,
          });
        }
        await this.#reserve();
      }
    }
  }

  /** Some BMCs have no reservations and need none. */
  async #reserve(): Promise<void> {
    this.#reservations += 1;
    if (this.#reservations > 1 && stampOf(await this.#bmc.send(getSdrRepositoryInfo, {}, this.#options)) !== this.#stamp) {
      throw new FailedError(`${this.#bmc.label}: its sensor repository changed while it was read; read it again`);
    }
    try {
      this.#reservation = (await this.#bmc.send(reserveSdrRepository, {}, this.#options)).reservation;
    } catch (error) {
      // The answer is lost, and the number of what was reserved with it; or a busy BMC has reserved nothing.
      const open = error instanceof UnreachableError || completionOf(error) === completionCode.nodeBusy;
      if (open && this.#reservations < reservationsInAll) return this.#reserve();
      if (completionOf(error) !== completionCode.invalidCommand) throw error;
    }
  }
}

function isSensor(recordType: number): boolean {
  return recordType >= 1 && recordType <= 3;
}

function stampOf({ records, lastAddition, lastErase }: ReplyOf<typeof getSdrRepositoryInfo>): string {
  return `${records} ${lastAddition} ${lastErase}`;
}
