/**
 * A session that is there when it is needed: opened at first use, kept alive, opened again after it was lost, closed at the end.
 * Everyone who needs it at the same time shares one login, because BMCs do one at a time.
 */
import { anySignal, unlessAborted } from "../../proto/base/abort.js";
import { Backoff } from "../../proto/base/backoff.js";
import { sleep, type Timer } from "../../proto/base/clock.js";
import { ExhaustedError, LabError, UnreachableError } from "../../proto/base/errors.js";
import type { Logger } from "../../proto/base/logger.js";
import { getChannelAuthenticationCapabilities, thisChannel } from "./command/index.js";
import type { CipherSuite } from "./crypto/index.js";
import type { BmcMemory, KnownQuirks } from "./known-quirks.js";
import { forgetSecrets, loginPlan, type BmcProfile } from "./options.js";
import type { Quirk } from "./quirks.js";
import {
  askOutside,
  connect,
  SilentError,
  WrongPasswordError,
  type ConnectDependencies,
  type Connection,
  type Deviation,
  type Session,
} from "./session/index.js";

/** The session's life without traffic is 60 ± 3 s (IPMI v2.0 §6.12.15); jitter keeps many BMCs apart. */
const keepaliveMs = 20_000;
const keepaliveJitterMs = 10_000;
const missedKeepaliveMs = 2000;
/** A host's reset can take its BMC off the network for many seconds. */
const toleratedMisses = 5;
/** How long each login attempt waits; BMCs need up to a second for one step. */
const loginTimeoutsMs = [1000, 2000, 3000, 4000] as const;
/** Of a BMC that said nothing at all the last time: it is asked as often as a lost datagram asks for, and no more. */
const doubtfulTimeoutsMs = [1000, 2000] as const;
/** Sessions that their owner has lost are free again after a minute (§6.12.15): so long a patient user waits for a slot. */
const slotPatienceMs = 70_000;
const slotBackoff = { initialMs: 1000, capMs: 15_000, stableMs: Number.POSITIVE_INFINITY };
/** A refused password is not tried again for so long by itself: BMCs lock accounts, and whoever asks here may ask every minute. */
const refusedMs = { first: 5 * 60_000, longest: 30 * 60_000 } as const;
const awakeWaitsMs = [500, 1000] as const;
/** A session heard of more recently than this lives, whatever one command came to. */
const silentEnoughMs = 5000;

export interface LinkDependencies extends ConnectDependencies {
  readonly log: Logger;
}

export interface LinkOwner {
  /** A question to the BMC that shows it we are there. Throws UnreachableError when it is not answered. */
  keepAlive(session: Session): Promise<void>;
  /** True while silence is to be judged by the keepalive alone: with a console open it is often over in seconds. */
  isPatient(): boolean;
  /** The session is gone. */
  lost(session: Session, error: LabError): void;
}

interface Signal {
  readonly signal?: AbortSignal | undefined;
}

export interface LinkUse extends Signal {
  /** What may be run once more on a new session when the old one turns out to be gone. */
  readonly repeatable: boolean;
  /** Waits for a session slot when the BMC has none; everybody else is told at once. */
  readonly patient?: boolean;
}

export class Link {
  readonly #profile: BmcProfile;
  readonly #quirks: KnownQuirks;
  readonly #memory: BmcMemory;
  readonly #deps: LinkDependencies;
  readonly #owner: LinkOwner;
  readonly #closing = new AbortController();
  #doubtful = false;
  #refused: { readonly error: WrongPasswordError; readonly pauseMs: number; readonly untilMs: number } | undefined;
  #connecting: Promise<Connection> | undefined;
  /** A session given up for another: its place at the BMC is needed. */
  #retiring: Promise<void> = Promise.resolve();
  #connection: Connection | undefined;
  #timer: Timer | undefined;
  #missed = 0;

  constructor(profile: BmcProfile, memory: BmcMemory, quirks: KnownQuirks, deps: LinkDependencies, owner: LinkOwner) {
    this.#profile = profile;
    this.#memory = memory;
    this.#quirks = quirks;
    this.#deps = deps;
    this.#owner = owner;
  }

  /** The session there is now; nothing is opened. */
  get session(): Session | undefined {
    return this.#connection?.session;
  }

  /** Runs `work` on the session, connecting first. Throws what it throws, and what a login can. */
  async use<T>(work: (session: Session) => Promise<T>, use: LinkUse): Promise<T> {
    const existed = this.#connection !== undefined;
    const connection = await this.#connected(use);
    try {
      return await work(connection.session);
    } catch (error) {
      // What was sent only once and not answered proves nothing about the session.
      if (!(error instanceof UnreachableError) || !use.repeatable || this.#closing.signal.aborted) throw error;
      if (this.#owner.isPatient() && !(await this.#isForgotten(connection))) throw error;
      this.#lose(connection, error);
      if (!existed) throw error;
      return work((await this.#connected(use)).session);
    }
  }

  /** Closes the session there is, for the next use to open another. */
  renew(): void {
    const connection = this.#connection;
    if (connection === undefined) return;
    this.#connection = undefined;
    this.#timer?.cancel();
    this.#retiring = connection.close();
  }

  /** Closes the session, or stops opening it, within 1.5 s. Call once. */
  async close(): Promise<void> {
    this.#closing.abort(new UnreachableError(`${this.#profile.label}: was closed`));
    await this.#retiring;
    await this.#connecting?.catch(() => undefined);
    this.#timer?.cancel();
    await this.#connection?.close();
    this.#connection = undefined;
    forgetSecrets(this.#profile);
  }

  async #connected({ signal, patient }: LinkUse): Promise<Connection> {
    const backoff = new Backoff({ ...slotBackoff, random: () => this.#random() });
    const began = this.#deps.clock.monotonicMs();
    for (;;) {
      if (this.#closing.signal.aborted) throw this.#closing.signal.reason;
      if (this.#connection !== undefined) return this.#connection;
      try {
        return await unlessAborted(this.#login(), signal);
      } catch (error) {
        const waitedMs = this.#deps.clock.monotonicMs() - began;
        if (!(error instanceof ExhaustedError) || patient !== true || waitedMs > slotPatienceMs) throw error;
        await this.#pause(backoff.nextDelayMs(0), signal);
      }
    }
  }

  #login(): Promise<Connection> {
    this.#connecting ??= this.#connect().finally(() => {
      this.#connecting = undefined;
    });
    return this.#connecting;
  }

  async #pause(delayMs: number, signal: AbortSignal | undefined): Promise<void> {
    const either = anySignal(signal, this.#closing.signal);
    try {
      await sleep(this.#deps.clock, delayMs, either);
    } finally {
      either.release();
    }
  }

  async #connect(): Promise<Connection> {
    await this.#retiring;
    this.#refuseAgain();
    const timeoutsMs = this.#doubtful ? doubtfulTimeoutsMs : loginTimeoutsMs;
    const settings = {
      plan: (found: ReadonlySet<Quirk>) => loginPlan(this.#profile, this.#quirks.all(found), this.#suites(), timeoutsMs),
      onDeviation: (deviation: Deviation) => this.#quirks.learn(deviation),
      // What was refused twice is asked about, no longer doubted.
      ...(this.#refused !== undefined && { passwords: 1 }),
    };
    const connection = await connect(this.#profile.remote, settings, this.#deps, { signal: this.#closing.signal }).catch(
      (error: unknown) => {
        this.#doubtful = error instanceof SilentError;
        if (error instanceof WrongPasswordError) this.#keepRefusal(error);
        throw error;
      },
    );
    this.#doubtful = false;
    this.#refused = undefined;
    for (const deviation of connection.learned) this.#quirks.learn(deviation);
    const { suiteId } = connection.session;
    this.#memory.suiteId = suiteId;
    this.#connection = connection;
    this.#missed = 0;
    this.#schedule();
    this.#deps.log.info({ cipherSuite: suiteId }, "BMC session opened");
    return connection;
  }

  /** The password was seen to be right elsewhere: what was refused may be tried at once. */
  trust(): void {
    this.#refused = undefined;
  }

  #keepRefusal(error: WrongPasswordError): void {
    const pauseMs = Math.min(refusedMs.longest, this.#refused === undefined ? refusedMs.first : 2 * this.#refused.pauseMs);
    this.#refused = { error, pauseMs, untilMs: this.#deps.clock.monotonicMs() + pauseMs };
  }

  /** Throws the refusal of before, as long as it is not to be tried again. */
  #refuseAgain(): void {
    if (this.#refused === undefined) return;
    const { error, untilMs } = this.#refused;
    const leftMs = untilMs - this.#deps.clock.monotonicMs();
    if (leftMs <= 0) return;
    const when = `not tried again for ${Math.ceil(leftMs / 60_000)} min, because BMCs lock accounts; a probe that gets in ends that`;
    throw new WrongPasswordError(`${error.message}; ${when}`, { facts: error.facts });
  }

  /** Evenly in [0, 1). */
  #random(): number {
    return (this.#deps.random(1)[0] ?? 0) / 256;
  }

  /** The suite that worked is tried first from then on: probing costs some BMCs seconds. */
  #suites(): readonly CipherSuite[] {
    const { suiteId } = this.#memory;
    return [...this.#profile.suites].sort((a, b) => Number(b.id === suiteId) - Number(a.id === suiteId));
  }

  /** A BMC that answers strangers, but not on our session, has restarted since or given our place to another. */
  async #isForgotten(connection: Connection): Promise<boolean> {
    const question = { channel: { wantV20: true, number: thisChannel }, privilege: this.#profile.privilege };
    const settings = { waitsMs: awakeWaitsMs, signal: this.#closing.signal };
    if (connection.session.silentMs < silentEnoughMs) return false;
    const answer = await askOutside(this.#profile.remote, getChannelAuthenticationCapabilities, question, this.#deps, settings).catch(
      () => undefined,
    );
    return answer !== undefined && connection.session.silentMs >= silentEnoughMs;
  }

  #lose(connection: Connection, error: LabError): void {
    if (this.#connection !== connection) return;
    this.#deps.log.warn({ err: error }, "BMC session lost");
    this.#connection = undefined;
    this.#timer?.cancel();
    connection.abandon();
    this.#owner.lost(connection.session, error);
  }

  #schedule(): void {
    const delayMs = this.#missed > 0 ? missedKeepaliveMs : keepaliveMs + this.#random() * keepaliveJitterMs;
    this.#timer = this.#deps.clock.after(delayMs, () => void this.#keepAlive(), { background: true });
  }

  async #keepAlive(): Promise<void> {
    const connection = this.#connection;
    if (connection === undefined) return;
    try {
      await this.#owner.keepAlive(connection.session);
      this.#missed = 0;
    } catch (error) {
      if (this.#connection !== connection || this.#closing.signal.aborted) return;
      this.#missed = connection.session.silentMs < keepaliveMs ? 0 : this.#missed + 1;
      const hopeless = this.#missed > toleratedMisses || (this.#missed > 0 && (await this.#isForgotten(connection)));
      if (hopeless && error instanceof LabError) return this.#lose(connection, error);
    }
    if (this.#connection === connection) this.#schedule();
  }
}
