/** A site agent's console, real log and real followers, reached over streams that a test can break. */
import { setMaxListeners } from "node:events";
import { join } from "node:path";
import { ConsoleLog } from "../../../agent/capture/console-log.js";
import type { ConsoleEvent as LogEvent } from "../../../agent/capture/events.js";
import { follow } from "../../../agent/capture/follow.js";
import type { FollowFrom as LogFrom } from "../../../agent/capture/follow-from.js";
import type { FollowFrom, FollowRequest, Upstream } from "../../../controller/consoles/upstream.js";
import type { ConsoleEvent, ConsoleExtent } from "../../../controller/ports.js";
import { anySignal } from "../../../proto/base/abort.js";
import type { Clock } from "../../../proto/base/clock.js";
import { UnreachableError } from "../../../proto/base/errors.js";

export class LogUpstream implements Upstream {
  readonly log: ConsoleLog;
  /** Streams that were opened, and that are open. */
  opened = 0;
  open = 0;
  /** Set: opening fails with it. */
  refusal: Error | undefined;
  readonly #clock: Clock;
  #connection = newConnection();

  constructor(directory: string, clock: Clock) {
    this.#clock = clock;
    this.log = new ConsoleLog(join(directory, "p0"), { clock, segmentBytes: 20_000 });
  }

  print(data: string | Uint8Array): void {
    this.log.append(Buffer.from(data as string), this.#clock.now());
    this.log.flush();
  }

  /** The connection to the site agent is lost: every stream breaks where it stands. */
  disconnect(): void {
    this.#connection.abort();
    this.#connection = newConnection();
  }

  async extent(): Promise<ConsoleExtent> {
    if (this.refusal !== undefined) throw this.refusal;
    const { first, end, lastByteMs, epoch } = this.log;
    return { state: "up", reason: "", firstOffset: BigInt(first), endOffset: BigInt(end), lastByteMs, bootEpoch: epoch };
  }

  async *follow({ from, live, untilOffset }: FollowRequest, options?: { signal?: AbortSignal | undefined }): AsyncGenerator<ConsoleEvent> {
    if (this.refusal !== undefined) throw this.refusal;
    const connection = this.#connection.signal;
    const { signal, release } = anySignal(options?.signal, connection);
    this.opened += 1;
    this.open += 1;
    try {
      const until = untilOffset === undefined ? undefined : Number(untilOffset);
      for await (const event of follow(this.log, { from: logFrom(from), live, untilOffset: until }, { signal })) {
        if (connection.aborted) throw new Error("lost");
        yield eventOf(event);
      }
    } catch (cause) {
      if (connection.aborted) throw new UnreachableError("site agent rack1: connection lost", { cause });
      throw cause;
    } finally {
      this.open -= 1;
      release();
    }
  }
}

/** Aborts when it is lost; any number of streams listen. */
function newConnection(): AbortController {
  const connection = new AbortController();
  setMaxListeners(0, connection.signal);
  return connection;
}

function logFrom(from: FollowFrom): LogFrom {
  return "offset" in from ? { offset: Number(from.offset) } : from;
}

function eventOf(event: LogEvent): ConsoleEvent {
  const offset = BigInt(event.offset);
  return event.kind === "gap" ? { ...event, offset, lostBytes: BigInt(event.lostBytes) } : { ...event, offset };
}
