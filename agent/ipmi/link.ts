/**
 * A session that is there when it is needed: opened at first use, kept alive, opened again after it was lost, closed at the end.
 * Everyone who needs it at the same time shares one login, because BMCs do one at a time.
 */
import { unlessAborted } from "../../proto/base/abort.js";
import type { Timer } from "../../proto/base/clock.js";
import { LabError, UnreachableError } from "../../proto/base/errors.js";
import type { Logger } from "../../proto/base/logger.js";
import type { BmcProfile } from "./options.js";
import { connect, type ConnectDependencies, type Connection, type HandshakePlan, type Session } from "./session/index.js";

/** The session's life without traffic is 60 ± 3 s (IPMI v2.0 §6.12.15); jitter keeps many BMCs apart. */
const keepaliveMs = 20_000;
const keepaliveJitterMs = 10_000;
const missedKeepaliveMs = 2000;
/** A host's reset can take its BMC off the network for many seconds. */
const toleratedMisses = 5;

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

export class Link {
  readonly #profile: BmcProfile;
  readonly #deps: LinkDependencies;
  readonly #owner: LinkOwner;
  readonly #closing = new AbortController();
  #plan: HandshakePlan;
  #connecting: Promise<Connection> | undefined;
  #connection: Connection | undefined;
  #timer: Timer | undefined;
  #missed = 0;

  constructor(profile: BmcProfile, deps: LinkDependencies, owner: LinkOwner) {
    this.#profile = profile;
    this.#plan = profile.plan;
    this.#deps = deps;
    this.#owner = owner;
  }

  /** The session there is now; nothing is opened. */
  get session(): Session | undefined {
    return this.#connection?.session;
  }

  /** Runs `work` on the session, connecting first; what is `repeatable` once more on a new session when the old one turns out to be gone. */
  async use<T>(work: (session: Session) => Promise<T>, repeatable: boolean, options?: Signal): Promise<T> {
    const existed = this.#connection !== undefined;
    const connection = await this.#connected(options);
    try {
      return await work(connection.session);
    } catch (error) {
      // What was sent only once and not answered proves nothing about the session.
      if (!(error instanceof UnreachableError) || !repeatable || this.#owner.isPatient() || this.#closing.signal.aborted) throw error;
      this.#lose(connection, error);
      if (!existed) throw error;
      return work((await this.#connected(options)).session);
    }
  }

  /** Closes the session, or stops opening it. Call once. */
  async close(): Promise<void> {
    this.#closing.abort(new UnreachableError(`${this.#profile.label}: was closed`));
    await this.#connecting?.catch(() => undefined);
    this.#timer?.cancel();
    await this.#connection?.close();
    this.#connection = undefined;
    this.#plan.userKey.fill(0);
    this.#plan.kg?.fill(0);
  }

  async #connected(options?: Signal): Promise<Connection> {
    if (this.#closing.signal.aborted) throw this.#closing.signal.reason;
    if (this.#connection !== undefined) return this.#connection;
    this.#connecting ??= this.#connect().finally(() => {
      this.#connecting = undefined;
    });
    return unlessAborted(this.#connecting, options?.signal);
  }

  async #connect(): Promise<Connection> {
    const { remote, quirks } = this.#profile;
    const settings = { checksums: !quirks.has("nochecksumcheck") };
    const connection = await connect(remote, this.#plan, settings, this.#deps, { signal: this.#closing.signal });
    const { suiteId } = connection.session;
    // The suite that worked is tried first from now on: probing costs some BMCs seconds.
    const suites = [...this.#plan.suites].sort((a, b) => Number(b.id === suiteId) - Number(a.id === suiteId));
    this.#plan = { ...this.#plan, suites };
    this.#connection = connection;
    this.#missed = 0;
    this.#schedule();
    this.#deps.log.info({ cipherSuite: suiteId }, "BMC session opened");
    return connection;
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
    const jitter = (this.#deps.random(1)[0] ?? 0) / 256;
    const delayMs = this.#missed > 0 ? missedKeepaliveMs : keepaliveMs + jitter * keepaliveJitterMs;
    this.#timer = this.#deps.clock.after(delayMs, () => void this.#keepAlive(), { background: true });
  }

  async #keepAlive(): Promise<void> {
    const connection = this.#connection;
    if (connection === undefined) return;
    try {
      await this.#owner.keepAlive(connection.session);
      this.#missed = 0;
    } catch (error) {
      if (this.#connection !== connection) return;
      this.#missed = connection.session.silentMs < keepaliveMs ? 0 : this.#missed + 1;
      if (this.#missed > toleratedMisses && error instanceof LabError) return this.#lose(connection, error);
    }
    if (this.#connection === connection) this.#schedule();
  }
}
