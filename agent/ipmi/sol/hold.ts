/**
 * How long SOL is ours: asked for, because many BMCs tell the victim of a theft nothing, and because one that buries a session that
 * ended uncleanly may take the SOL of the next with it, up to a minute after its activation.
 */
import { withDeadline } from "../../../proto/base/abort.js";
import type { Clock, Timer } from "../../../proto/base/clock.js";
import { ConflictError, UnreachableError } from "../../../proto/base/errors.js";
import type { Logger } from "../../../proto/base/logger.js";
import { getDeviceId } from "../command/index.js";
import type { Quirk } from "../quirks.js";
import type { Session } from "../session/index.js";
import { deactivateSol, solActive, solOwner, whoseSession } from "./activation.js";
import type { ActiveSol } from "./stream.js";

/** When a new activation is looked at, from its beginning; afterwards every keepalive does (20–30 s). */
const looksMs = [2_000, 10_000, 30_000, 60_000] as const;
/** What letting go may take: a BMC that died with the console open must not hold up its closing. */
const releaseMs = 2000;
/** Some BMCs answer a deactivation and do not do it. */
const deactivations = 2;
/** A console that says nothing for so long is asked for a sign of life, where the inventory allows a NUL. */
const deafMs = 20_000;

export interface SolHoldSettings {
  readonly subject: string;
  readonly clock: Clock;
  readonly log: Logger;
  readonly quirks: { has(name: Quirk): boolean };
}

interface Signal {
  readonly signal?: AbortSignal | undefined;
}

export class SolHold {
  readonly stream: ActiveSol;
  readonly #session: Session;
  readonly #settings: SolHoldSettings;
  readonly #beganMs: number;
  /** Whom the BMC names as owner when it is ours; undefined when it names nobody. */
  #owner: number | undefined;
  /** Since when a name that is no id of ours stands for us without proof. */
  #unprovedMs: number | undefined;
  /** Where nobody is named: whether the BMC tells at least that SOL is active. */
  #tellsActive = false;
  #timer: Timer | undefined;
  #ended = false;

  constructor(session: Session, stream: ActiveSol, settings: SolHoldSettings) {
    this.#session = session;
    this.stream = stream;
    this.#settings = settings;
    this.#beganMs = settings.clock.monotonicMs();
  }

  /** Learns how the BMC names us. The line ends at once where it turns out that somebody has taken SOL already. */
  async begin(options?: Signal): Promise<void> {
    const { quirks } = this.#settings;
    const owner = quirks.has("noinstanceinfo") ? undefined : await solOwner(this.#session, options).catch(() => undefined);
    if (owner !== undefined && owner !== 0) await this.#learnName(owner, options);
    else if (!quirks.has("solstatus")) this.#tellsActive = (await solActive(this.#session, options).catch(() => undefined)) === true;
    this.#lookLater();
  }

  /** Asks whether SOL is still ours; when it is not, the line ends with the reason. Throws UnreachableError when the BMC does not answer. */
  async look(): Promise<void> {
    if (this.#owner !== undefined) {
      this.#judgeOwner(await solOwner(this.#session));
      if (this.#unprovedMs !== undefined && !this.#ended) await this.#prove(this.#owner, this.#unprovedMs);
    } else if (this.#tellsActive) {
      if ((await solActive(this.#session)) === false) this.#judgeOwner(0);
    } else await this.#session.exchange(getDeviceId, {});
  }

  /** As `look`, and where the inventory allows it a NUL into a silent console: not acknowledged, it ends the line. */
  async keepAlive(): Promise<void> {
    if (!this.#ended && this.#settings.quirks.has("solkeepalivenul") && this.stream.silentMs >= deafMs) {
      // Its end is the stream's to tell.
      void this.stream.write(Uint8Array.of(0)).catch(() => undefined);
    }
    await this.look();
  }

  /** No more looks; `deactivate`: SOL is ours as far as is known here, and given back unless somebody else has it: whoever deactivates, deactivates the thief. */
  async end(deactivate: boolean): Promise<void> {
    this.#ended = true;
    this.#timer?.cancel();
    if (!deactivate) return;
    const { subject, clock, log } = this.#settings;
    try {
      const wait = { subject, awaited: "SOL to be deactivated", deadlineMs: releaseMs };
      await withDeadline(clock, wait, (signal) => this.#deactivate({ signal }));
    } catch (err) {
      log.warn({ err }, "SOL could not be deactivated");
    }
  }

  async #deactivate(options: Signal): Promise<void> {
    for (let i = 0; i < deactivations; i += 1) {
      if (this.#owner !== undefined && (await solOwner(this.#session, options)) !== this.#owner) return;
      await deactivateSol(this.#session, options);
      if (this.#owner === undefined) return;
    }
  }

  /**
   * Most BMCs name the session by their id of it, some by ours. Any other name may be a BMC's own way, or the thief's who came between
   * our activation and the question: a session there is by that id which is not this one tells. Where the BMC does not know either,
   * the name stands for us, and is proved by the first packet of SOL that comes under it.
   */
  async #learnName(owner: number, options?: Signal): Promise<void> {
    const { subject, clock, log } = this.#settings;
    this.#owner = owner;
    if (this.#isOurId(owner)) return;
    const beganMs = clock.monotonicMs();
    this.#unprovedMs = beganMs;
    await this.#prove(owner, beganMs, options).catch(() => undefined);
    if (this.#unprovedMs === undefined || this.#ended) return;
    const name = `0x${owner.toString(16)}`;
    log.info({ bmc: subject, owner: name }, "the BMC names SOL's owner by an id we do not know: taken for ours until it proves another's");
  }

  async #prove(owner: number, sinceMs: number, options?: Signal): Promise<void> {
    const heardMs = this.#settings.clock.monotonicMs() - this.stream.silentMs;
    const whose = heardMs > sinceMs ? "ours" : await whoseSession(this.#session, owner, options);
    if (whose === "ours") this.#unprovedMs = undefined;
    else if (whose === "another's") this.#stolenBy(owner);
  }

  #isOurId(id: number): boolean {
    return id === this.#session.ids.console || id === this.#session.ids.managed;
  }

  #lookLater(): void {
    const { clock } = this.#settings;
    const age = clock.monotonicMs() - this.#beganMs;
    const due = looksMs.find((each) => each > age);
    if (due === undefined || this.#ended) return;
    const look = async () => {
      // Silence is for the keepalive to judge.
      await this.look().catch(() => undefined);
      this.#lookLater();
    };
    this.#timer = clock.after(due - age, () => void look(), { background: true });
  }

  #judgeOwner(owner: number | undefined): void {
    if (owner === undefined || this.#ended) return;
    if (owner === this.#owner) return;
    if (this.#isOurId(owner)) {
      this.#owner = owner;
      this.#unprovedMs = undefined;
      return;
    }
    if (owner !== 0) return this.#stolenBy(owner);
    const { subject } = this.#settings;
    const error = new UnreachableError(`${subject}: SOL is no longer active, and the BMC did not say so; open the console again`, {
      facts: { bmc: subject, owner },
    });
    this.stream.fail("line-down", error, false);
  }

  #stolenBy(owner: number): void {
    const { subject } = this.#settings;
    const error = new ConflictError(`${subject}: session 0x${owner.toString(16)} has taken SOL; close it there or steal it back`, {
      facts: { bmc: subject, owner },
    });
    this.stream.fail("stolen", error, false);
  }
}
