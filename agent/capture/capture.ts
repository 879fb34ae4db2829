/** One console, always on: opens its line again and again, stores what comes, and remembers what did not. */
import { Backoff, type BackoffOptions } from "../../proto/base/backoff.js";
import type { Changes } from "../../proto/base/changes.js";
import { type Clock, sleep } from "../../proto/base/clock.js";
import { ConflictError, describeError, UnreachableError } from "../../proto/base/errors.js";
import type { Logger } from "../../proto/base/logger.js";
import type { ConsoleLine, ConsoleSource, LineEvent } from "../ports/console.js";
import type { PowerVerb } from "../ports/power.js";
import type { ConsoleLog, OpenGap } from "./console-log.js";
import type { Boot, ConsoleEvent } from "./events.js";
import { follow, type FollowRequest } from "./follow.js";
import { type Holding, WriteRight } from "./write-right.js";

export type LineState = "up" | "connecting" | "down";

export interface ConsoleStatus {
  readonly node: string;
  readonly kind: string;
  readonly state: LineState;
  /** Why it is not up, "" when it is. */
  readonly reason: string;
  readonly firstOffset: number;
  readonly endOffset: number;
  readonly lastByteMs: number;
  readonly bootEpoch: number;
  readonly writer: string;
}

/**
 * Some BMCs end SOL every 15 s, whatever one does: that must not become a minute's pause each. Two agents that
 * take a line from each other do so some times a minute.
 */
const defaultReopening: BackoffOptions = { initialMs: 500, capMs: 60_000, stableMs: 10_000 };

export interface CaptureOptions {
  readonly node: string;
  /** The capture closes it when it stops. */
  readonly source: ConsoleSource;
  /** The capture closes it when it stops. */
  readonly log: ConsoleLog;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Told when the line comes up, goes down, or stays down for another reason. */
  readonly news: Changes;
  readonly reopening?: BackoffOptions;
}

/** The right to write, and the line it is for. */
export interface Writer {
  readonly right: Holding;
  /** Resolves when the far end has accepted the bytes. Throws ConflictError when the right is gone, UnreachableError when the line is down. */
  write(data: Uint8Array, options?: { signal?: AbortSignal | undefined }): Promise<void>;
  /** Throws as `write` does, and UnsupportedError where the line has no BREAK. */
  sendBreak(durationMs: number): Promise<void>;
}

export class Capture {
  readonly node: string;
  readonly #options: CaptureOptions;
  readonly #logger: Logger;
  readonly #stopping = new AbortController();
  readonly #right: WriteRight;
  readonly #done: Promise<void>;
  #line: ConsoleLine | undefined;
  #state: LineState = "connecting";
  #reason = "not opened yet";
  #downGap: OpenGap | undefined;

  /** Starts at once. */
  constructor(options: CaptureOptions) {
    this.node = options.node;
    this.#options = options;
    this.#logger = options.logger.child({ node: options.node, console: options.source.label });
    this.#right = new WriteRight(options.node);
    this.#done = this.#run();
  }

  get log(): ConsoleLog {
    return this.#options.log;
  }

  get status(): ConsoleStatus {
    const { node, source, log } = this.#options;
    return {
      node,
      kind: source.kind,
      state: this.#state,
      reason: this.#reason,
      firstOffset: log.first,
      endOffset: log.end,
      lastByteMs: log.lastByteMs,
      bootEpoch: log.epoch,
      writer: this.#right.writer,
    };
  }

  get boots(): readonly Boot[] {
    return this.log.boots;
  }

  /** See `follow`. */
  follow(request: FollowRequest, options?: { signal?: AbortSignal | undefined }): AsyncGenerator<ConsoleEvent, void, undefined> {
    return follow(this.log, request, options);
  }

  /** Power is about to be switched: returns the console offset right before the act, and begins a boot epoch where the verb boots. */
  markPower(verb: PowerVerb): number {
    return this.log.markPower(verb);
  }

  /** Throws ConflictError when somebody else is writing and `steal` is not set. */
  attach(who: string, options: { steal: boolean }): Writer {
    const right = this.#right.take(who, options);
    return {
      right,
      write: async (data, waiting) => this.#lineFor(right).write(data, waiting),
      sendBreak: async (durationMs) => this.#lineFor(right).sendBreak(durationMs),
    };
  }

  /** Lets go of the line and closes the log; followers end. Idempotent. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#done;
  }

  async #run(): Promise<void> {
    const { clock, source, log, reopening = defaultReopening } = this.#options;
    const signal = this.#stopping.signal;
    const backoff = new Backoff(reopening);
    try {
      while (!signal.aborted) {
        const triedMs = clock.now();
        const livedMs = await this.#session(triedMs, signal);
        await sleep(clock, backoff.nextDelayMs(livedMs), { signal });
      }
    } catch (error) {
      if (!signal.aborted) throw error;
    } finally {
      if (this.#downGap !== undefined) log.closeGap(this.#downGap, clock.now());
      log.close();
      // A machine that is shut down may lose power before its kernel has written by itself.
      await log.sync().catch((err: unknown) => this.#logger.error({ err }, "console log could not be brought to the disk"));
      await source.close();
    }
  }

  /** Opens the line and captures until it ends, whatever the reason. Returns how long it was up, in ms. */
  async #session(triedMs: number, signal: AbortSignal): Promise<number> {
    const { clock, source } = this.#options;
    this.#state = "connecting";
    let upSinceMs: number | undefined;
    let line: ConsoleLine | undefined;
    const onAbort = () => void line?.close();
    try {
      line = await source.open({ signal });
      if (signal.aborted) return 0;
      signal.addEventListener("abort", onAbort, { once: true });
      upSinceMs = clock.monotonicMs();
      this.#lineUp(line);
      await line.read((event) => this.#store(event));
      this.#lineDown("the line was closed at the other end", clock.now());
    } catch (error) {
      if (!signal.aborted) this.#lineDown(describeError(error), upSinceMs === undefined ? triedMs : clock.now());
    } finally {
      this.#line = undefined;
      signal.removeEventListener("abort", onAbort);
      await line?.close();
    }
    return upSinceMs === undefined ? 0 : clock.monotonicMs() - upSinceMs;
  }

  #store(event: LineEvent): void {
    const { clock, log } = this.#options;
    if (event.kind === "bytes") return log.append(event.data, event.receivedMs);
    const nowMs = clock.now();
    log.gap({ cause: event.cause, detail: event.detail, fromMs: nowMs, toMs: nowMs, lostBytes: event.lostBytes ?? 0 });
  }

  #lineUp(line: ConsoleLine): void {
    const { clock, log } = this.#options;
    if (this.#downGap !== undefined) log.closeGap(this.#downGap, clock.now());
    this.#downGap = undefined;
    this.#line = line;
    this.#state = "up";
    this.#reason = "";
    this.#logger.info("console line is up");
    this.#options.news.tell();
  }

  /** The first failure of an outage opens the gap; the ones after it only change the reason. */
  #lineDown(reason: string, sinceMs: number): void {
    if (this.#stopping.signal.aborted) return;
    this.#state = "down";
    this.#reason = reason;
    this.#options.news.tell();
    if (this.#downGap !== undefined) return;
    this.#downGap = this.#options.log.gap({ cause: "line-down", detail: reason, fromMs: sinceMs, toMs: 0 });
    this.#logger.warn({ reason }, "console line is down");
  }

  #lineFor(right: Holding): ConsoleLine {
    if (!right.held) throw new ConflictError(`console ${this.node}: the right to write is no longer held by ${right.who}; attach again`);
    if (this.#line !== undefined) return this.#line;
    throw new UnreachableError(`console ${this.node}: the line is ${this.#state} (${this.#reason}); it is tried again by itself`);
  }
}
