/** All consoles of a site agent, and the one file that tells until when everything that came was stored. */
import { closeSync, mkdirSync, readFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { BackoffOptions } from "../../proto/base/backoff.js";
import { Changes } from "../../proto/base/changes.js";
import type { Clock, Timer } from "../../proto/base/clock.js";
import { ConflictError, InvalidArgumentError, NotFoundError } from "../../proto/base/errors.js";
import type { Logger } from "../../proto/base/logger.js";
import type { ConsoleSource } from "../ports/console.js";
import { Capture } from "./capture.js";
import { ConsoleLog, type ConsoleLogOptions } from "./console-log.js";
import { nodeFilesystem, openForUpdate } from "./filesystem.js";

/** How often stored bytes are brought to the disk itself: at most so much is lost when the agent's own machine loses power. */
const syncEveryMs = 5_000;

export interface CapturesOptions {
  /** One folder per console below it. One process at a time. */
  readonly directory: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly reopening?: BackoffOptions;
  /** Changes with every boot of this machine. Default: the kernel's; "" = unknown. */
  readonly bootId?: string;
  readonly log?: Pick<ConsoleLogOptions, "segmentBytes" | "retainBytes" | "banners" | "filesystem">;
}

export class Captures {
  /** Wakes watchers: consoles that come and go, their lines' states, gaps and boots. */
  readonly news = new Changes();
  readonly #options: CapturesOptions;
  /** In the order they were added. */
  readonly #captures = new Map<string, Capture>();
  readonly #aliveFd: number;
  readonly #bootId: string;
  readonly #lastRun: { readonly aliveMs: number; readonly powerFailed: boolean };
  #timer: Timer | undefined;
  #losing: readonly string[] = [];
  #closed = false;

  /** Throws the filesystem's error when the directory cannot be written. */
  constructor(options: CapturesOptions) {
    this.#options = options;
    mkdirSync(options.directory, { recursive: true, mode: 0o750 });
    this.#bootId = options.bootId ?? kernelBootId();
    this.#aliveFd = openForUpdate(nodeFilesystem, join(options.directory, ".alive"));
    const [aliveMs, bootId] = readFileSync(this.#aliveFd, "latin1").trim().split(" ");
    this.#lastRun = { aliveMs: Number(aliveMs) || 0, powerFailed: bootId !== undefined && bootId !== this.#bootId };
    this.#armSync();
  }

  /** Opens the node's log and begins to capture. Throws InvalidArgumentError for a name that is none, ConflictError when it is captured already, else the filesystem's error. */
  add(node: string, source: ConsoleSource): Capture {
    const { clock, logger, directory, reopening } = this.#options;
    if (!/^[A-Za-z0-9][\w.-]*$/.test(node)) throw new InvalidArgumentError(`console "${node}": not a name a folder can have`);
    if (this.#captures.has(node)) throw new ConflictError(`console ${node}: captured already; let go of it first`);
    const { aliveMs: lastAliveMs, powerFailed } = this.#lastRun;
    const { news } = this;
    const log = new ConsoleLog(join(directory, node), { clock, news, lastAliveMs, powerFailed, ...this.#options.log });
    const capture = new Capture({ node, source, log, clock, logger, news, ...(reopening === undefined ? {} : { reopening }) });
    this.#captures.set(node, capture);
    news.tell();
    return capture;
  }

  /** Stops capturing; the log stays. True when there was something to stop. */
  async remove(node: string): Promise<boolean> {
    const capture = this.#captures.get(node);
    this.#captures.delete(node);
    await capture?.stop();
    this.news.tell();
    return capture !== undefined;
  }

  /** Undefined when the node's console is not captured here. */
  find(node: string): Capture | undefined {
    return this.#captures.get(node);
  }

  /** Throws NotFoundError. */
  get(node: string): Capture {
    const capture = this.#captures.get(node);
    if (capture !== undefined) return capture;
    throw new NotFoundError(`console ${node}: not captured by this site agent; see the inventory's console: via`, { facts: { node } });
  }

  list(): readonly Capture[] {
    return [...this.#captures.values()];
  }

  /** Stops all. Idempotent. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#timer?.cancel();
    await Promise.all(this.list().map((capture) => capture.stop()));
    this.news.close();
    closeSync(this.#aliveFd);
  }

  #armSync(): void {
    this.#timer = this.#options.clock.after(syncEveryMs, () => void this.#sync(), { background: true });
  }

  /** While a console loses bytes to a full disk the time stands still: should the agent die now, its gap begins where the loss did. */
  async #sync(): Promise<void> {
    const { clock, logger } = this.#options;
    const nowMs = clock.now();
    try {
      for (const { log } of this.list()) log.flush();
      await Promise.all(this.list().map(({ log }) => log.sync()));
      if (this.#closed) return;
      this.#tellLosses();
      if (this.#losing.length === 0) writeSync(this.#aliveFd, `${String(nowMs).padStart(15)} ${this.#bootId}\n`, 0);
    } catch (err) {
      logger.error({ err }, "console logs could not be brought to the disk");
    }
    if (!this.#closed) this.#armSync();
  }

  #tellLosses(): void {
    const losing = this.list().flatMap(({ node, log }) => (log.losing ? [node] : []));
    const { directory, logger } = this.#options;
    if (losing.length > 0 && this.#losing.length === 0)
      logger.error({ directory, nodes: losing }, "console bytes cannot be stored; free disk space");
    if (losing.length === 0 && this.#losing.length > 0) logger.info({ directory }, "console bytes are stored again");
    this.#losing = losing;
  }
}

function kernelBootId(): string {
  try {
    return readFileSync("/proc/sys/kernel/random/boot_id", "latin1").trim();
  } catch {
    return "";
  }
}
