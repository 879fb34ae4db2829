/**
 * One BMC: connects when first used, keeps its session alive, connects again after losing it, and always closes what it opened.
 * Power and SOL share the session because BMCs have few.
 */
import type { Clock, Timer } from "../../proto/base/clock.js";
import { CancelledError, ConflictError, InvalidArgumentError, LabError, UnreachableError } from "../../proto/base/errors.js";
import type { Logger } from "../../proto/base/logger.js";
import {
  bootDevice,
  bootFlags,
  bootParameter,
  chassisAction,
  chassisControl,
  getChassisStatus,
  getDeviceId,
  getSolConfigurationParameters,
  getSystemBootOptions,
  setSolConfigurationParameters,
  setSystemBootOptions,
  solParameter,
  solParameterLayout,
  thisChannel,
  type BootDevice,
  type ChassisAction,
  type Command,
  type ReplyOf,
  type SolParameter,
} from "./command/index.js";
import { bmcKey, cipherSuite, encodeUserName, passwordKey } from "./crypto/index.js";
import { parseQuirks, type Quirk } from "./quirks.js";
import { connect, type Connection, type HandshakePlan, type Random, type Session } from "./session/index.js";
import { activateSol, ActiveSol, deactivateSol, solOwner, type SolStream } from "./sol/index.js";
import type { Transport } from "./transport/index.js";
import { decode, encode, privilege, type Layout, type SolPacket, type Value } from "./wire/index.js";

export interface BmcOptions {
  readonly address: string;
  /** UDP; default 623. */
  readonly port?: number;
  readonly user: string;
  readonly password: string;
  /** Text, or 0x and hexadecimal digits. */
  readonly kg?: string | undefined;
  /** Default operator: enough for power, boot device and SOL. */
  readonly privilege?: "user" | "operator" | "administrator";
  /** Tried in order; default 17, then 3. Only 3, 8, 12 and 17 exist here. */
  readonly cipherSuites?: readonly number[];
  readonly quirks?: readonly string[];
}

export interface BmcDependencies {
  readonly clock: Clock;
  readonly log: Logger;
  readonly transport: Transport;
  readonly random: Random;
}

interface Signal {
  readonly signal?: AbortSignal | undefined;
}

export interface Bmc {
  /** For messages: "bmc 10.0.1.10". */
  readonly label: string;
  /** Any command of the table. Throws as `Session.request` does, and everything a login can. */
  send<Request, Reply>(command: Command<Request, Reply>, request: Request, options?: Signal): Promise<Reply>;
  chassisStatus(options?: Signal): Promise<ReplyOf<typeof getChassisStatus>>;
  /** Sent once. An UnreachableError leaves it open whether the BMC acted. */
  chassisControl(action: ChassisAction, options?: Signal): Promise<void>;
  deviceId(options?: Signal): Promise<ReplyOf<typeof getDeviceId>>;
  bootFlags(options?: Signal): Promise<Value<typeof bootFlags>>;
  /** The next boot's device; "none" takes the choice back. One-shot unless `persistent`. */
  setBootDevice(device: BootDevice, how: { persistent: boolean; efi: boolean }, options?: Signal): Promise<void>;
  solParameter<Name extends SolParameter>(name: Name, options?: Signal): Promise<Value<(typeof solParameterLayout)[Name]>>;
  setSolParameter<Name extends SolParameter>(name: Name, value: Value<(typeof solParameterLayout)[Name]>, options?: Signal): Promise<void>;
  /** The console. One at a time. `steal` takes it from another session; without, that is a ConflictError. */
  openSol(options?: Signal & { steal?: boolean }): Promise<SolStream>;
  /** Closes console, session and route; forgets the password. Idempotent. */
  close(): Promise<void>;
}

/** How long each login attempt waits; BMCs need up to a second for one step. */
const loginTimeoutsMs = [1000, 2000, 3000, 4000] as const;
/** The session's life without traffic is 60 ± 3 s (IPMI v2.0 §6.12.15); jitter keeps many BMCs apart. */
const keepaliveMs = 20_000;
const keepaliveJitterMs = 10_000;
const missedKeepaliveMs = 2000;
/** A host's reset can take its BMC off the network for many seconds. */
const toleratedMisses = 5;
/** A session heard of this recently is alive enough to carry a command that is sent only once. */
const provenMs = 5000;

/** Describes a BMC; nothing is sent before it is used. Throws InvalidArgumentError for what the protocol has no room for. */
export function openBmc(options: BmcOptions, deps: BmcDependencies): Bmc {
  return new SharedBmc(options, deps);
}

class SharedBmc implements Bmc {
  readonly label: string;
  readonly #remote: { readonly address: string; readonly port: number };
  readonly #deps: BmcDependencies;
  readonly #log: Logger;
  readonly #quirks: ReadonlySet<Quirk>;
  readonly #closing = new AbortController();
  #plan: HandshakePlan;
  #connecting: Promise<Connection> | undefined;
  #connection: Connection | undefined;
  #keepalive: Timer | undefined;
  #missed = 0;
  #sol: { readonly stream: ActiveSol; readonly owner: number | undefined } | undefined;
  #solOpening = false;
  #formerIds = new Set<number>();
  #closed: Promise<void> | undefined;

  constructor(options: BmcOptions, deps: BmcDependencies) {
    const port = options.port ?? 623;
    this.label = port === 623 ? `bmc ${options.address}` : `bmc ${options.address}:${port}`;
    this.#remote = { address: options.address, port };
    this.#deps = deps;
    this.#log = deps.log.child({ bmc: `${options.address}:${port}` });
    this.#quirks = parseQuirks(options.quirks ?? []);
    this.#plan = {
      subject: this.label,
      userName: encodeUserName(options.user),
      userKey: passwordKey(options.password),
      kg: bmcKey(options.kg),
      privilege: privilege[options.privilege ?? "operator"],
      nameOnlyLookup: !this.#quirks.has("privlookup"),
      suites: parseSuites(this.label, options.cipherSuites ?? []),
      skipCapabilities: this.#quirks.has("noauthcap"),
      timeoutsMs: loginTimeoutsMs,
    };
  }

  async send<Request, Reply>(command: Command<Request, Reply>, request: Request, options?: Signal): Promise<Reply> {
    // A command that may not be repeated must not be the one that finds out that the session has expired.
    if (!command.repeatable && (this.#connection?.session.silentMs ?? 0) > provenMs) await this.deviceId(options);
    return this.#onSession((session) => session.request(command, request, options), command.repeatable, options);
  }

  chassisStatus(options?: Signal): Promise<ReplyOf<typeof getChassisStatus>> {
    return this.send(getChassisStatus, {}, options);
  }

  async chassisControl(action: ChassisAction, options?: Signal): Promise<void> {
    await this.send(chassisControl, { action: { code: chassisAction[action] } }, options);
    this.#log.info({ action }, "chassis control done");
  }

  deviceId(options?: Signal): Promise<ReplyOf<typeof getDeviceId>> {
    return this.send(getDeviceId, {}, options);
  }

  async bootFlags(options?: Signal): Promise<Value<typeof bootFlags>> {
    const { data } = await this.send(getSystemBootOptions, { parameter: bootParameter.flags, set: 0, block: 0 }, options);
    return decode(bootFlags, data, "boot flags");
  }

  async setBootDevice(device: BootDevice, { persistent, efi }: { persistent: boolean; efi: boolean }, options?: Signal): Promise<void> {
    const data = encode(bootFlags, {
      flags: { valid: device !== "none", persistent, efi },
      device: { clearCmos: false, lockKeyboard: false, code: bootDevice[device], blankScreen: false, lockReset: false },
      console: { lockPower: false, verbosity: 0, progressTraps: false, bypassPassword: false, lockSleep: false, redirection: 0 },
      sharing: 0,
      instance: 0,
    });
    await this.send(setSystemBootOptions, { selector: { invalid: false, parameter: bootParameter.flags }, data }, options);
  }

  async solParameter<Name extends SolParameter>(name: Name, options?: Signal): Promise<Value<(typeof solParameterLayout)[Name]>> {
    const channel = { revisionOnly: false, number: thisChannel };
    const { data } = await this.send(getSolConfigurationParameters, { channel, parameter: solParameter[name], set: 0, block: 0 }, options);
    return decode(parameterLayout(name), data, `SOL parameter ${name}`);
  }

  async setSolParameter<Name extends SolParameter>(
    name: Name,
    value: Value<(typeof solParameterLayout)[Name]>,
    options?: Signal,
  ): Promise<void> {
    const data = encode(parameterLayout(name), value);
    await this.send(setSolConfigurationParameters, { channel: thisChannel, parameter: solParameter[name], data }, options);
  }

  async openSol(options?: Signal & { steal?: boolean }): Promise<SolStream> {
    if (this.#sol !== undefined || this.#solOpening) throw new ConflictError(`${this.label}: its console is already open here`);
    this.#solOpening = true;
    try {
      return await this.#onSession((_session, connection) => this.#activate(connection, options), true, options);
    } finally {
      this.#solOpening = false;
    }
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    await this.#sol?.stream.close();
    this.#keepalive?.cancel();
    this.#closing.abort(new UnreachableError(`${this.label}: was closed`));
    await this.#connecting?.catch(() => undefined);
    await this.#connection?.close();
    this.#connection = undefined;
    this.#plan.userKey.fill(0);
    this.#plan.kg?.fill(0);
  }

  /** Runs `work` on the session, connecting first; once more on a new session when the old one turns out to be gone. */
  async #onSession<T>(work: (session: Session, connection: Connection) => Promise<T>, repeatable: boolean, options?: Signal): Promise<T> {
    const existed = this.#connection !== undefined;
    const connection = await this.#connected(options);
    try {
      return await work(connection.session, connection);
    } catch (error) {
      // With a console open, silence is judged by the keepalive: it is often over in seconds. What was sent only once proves nothing.
      if (!(error instanceof UnreachableError) || !repeatable || this.#sol !== undefined || this.#closing.signal.aborted) throw error;
      this.#lose(connection, error);
      if (!existed) throw error;
      const next = await this.#connected(options);
      return work(next.session, next);
    }
  }

  /** The session's connection; logins are shared, because a BMC can do one at a time. */
  async #connected(options?: Signal): Promise<Connection> {
    if (this.#closing.signal.aborted) throw this.#closing.signal.reason;
    if (this.#connection !== undefined) return this.#connection;
    this.#connecting ??= this.#connect().finally(() => {
      this.#connecting = undefined;
    });
    return abortable(this.#connecting, options?.signal);
  }

  async #connect(): Promise<Connection> {
    const settings = { checksums: !this.#quirks.has("nochecksumcheck") };
    const connection = await connect(this.#remote, this.#plan, settings, this.#deps, { signal: this.#closing.signal });
    const { suiteId } = connection.session;
    const first = this.#plan.suites.filter((suite) => suite.id === suiteId);
    this.#plan = { ...this.#plan, suites: [...first, ...this.#plan.suites.filter((suite) => suite.id !== suiteId)] };
    this.#connection = connection;
    this.#missed = 0;
    this.#scheduleKeepalive(this.#keepaliveDelayMs());
    this.#log.info({ cipherSuite: suiteId }, "BMC session opened");
    return connection;
  }

  /** The BMC no longer knows this session, or nobody does. */
  #lose(connection: Connection, error: LabError): void {
    if (this.#connection !== connection) return;
    this.#log.warn({ err: error }, "BMC session lost");
    this.#connection = undefined;
    this.#keepalive?.cancel();
    if (this.#sol !== undefined) this.#formerIds = new Set([connection.session.ids.console, connection.session.ids.managed]);
    connection.abandon();
    this.#sol?.stream.fail("line-down", error);
  }

  async #activate(connection: Connection, options?: Signal & { steal?: boolean }): Promise<SolStream> {
    const { session } = connection;
    const early: { packet: SolPacket; order: number }[] = [];
    // A BMC may send characters before its answer to the activation.
    session.onSol((packet, order) => early.push({ packet, order }));
    try {
      const activation = {
        subject: this.label,
        steal: options?.steal ?? false,
        formerIds: this.#formerIds,
        skipStatus: this.#quirks.has("solstatus"),
        deferAlerts: this.#quirks.has("serialalertsdeferred"),
      };
      const chunk = await activateSol(session, activation, options);
      const stream = new ActiveSol(chunk, {
        subject: this.label,
        clock: this.#deps.clock,
        send: (packet) => session.sendSol(packet),
        release: () => this.#releaseSol(connection),
      });
      session.onSol((packet, order) => stream.received(packet, order));
      this.#sol = { stream, owner: undefined };
      for (const { packet, order } of early) stream.received(packet, order);
      // Whatever id the BMC gives now means "we": some give the console's, some their own.
      const owner = this.#quirks.has("noinstanceinfo") ? undefined : await solOwner(session, options).catch(() => undefined);
      if (this.#sol?.stream === stream) this.#sol = { stream, owner: owner === 0 ? undefined : owner };
      this.#log.info("SOL activated");
      return stream;
    } catch (error) {
      session.onSol(undefined);
      throw error;
    }
  }

  async #releaseSol(connection: Connection): Promise<void> {
    this.#sol = undefined;
    connection.session.onSol(undefined);
    if (this.#connection !== connection) return;
    await deactivateSol(connection.session).catch((err: unknown) => this.#log.warn({ err }, "SOL could not be deactivated"));
  }

  #keepaliveDelayMs(): number {
    return keepaliveMs + ((this.#deps.random(1)[0] ?? 0) / 256) * keepaliveJitterMs;
  }

  #scheduleKeepalive(delayMs: number): void {
    this.#keepalive?.cancel();
    this.#keepalive = this.#deps.clock.after(delayMs, () => void this.#keepAlive(), { background: true });
  }

  /** Shows the BMC that we are there, and with a console open asks whether it is still ours. */
  async #keepAlive(): Promise<void> {
    const connection = this.#connection;
    if (connection === undefined) return;
    const sol = this.#sol;
    try {
      if (sol?.owner === undefined) await connection.session.exchange(getDeviceId, {});
      else this.#judgeOwner(sol, await solOwner(connection.session));
      this.#missed = 0;
    } catch (error) {
      if (!(error instanceof LabError) || this.#connection !== connection) return;
      this.#missed = connection.session.silentMs < keepaliveMs ? 0 : this.#missed + 1;
      if (this.#missed > toleratedMisses) return this.#lose(connection, error);
    }
    if (this.#connection === connection) this.#scheduleKeepalive(this.#missed > 0 ? missedKeepaliveMs : this.#keepaliveDelayMs());
  }

  #judgeOwner(sol: { readonly stream: ActiveSol; readonly owner: number | undefined }, owner: number | undefined): void {
    if (owner === sol.owner || owner === undefined || this.#sol !== sol) return;
    const facts = { bmc: this.label, owner };
    if (owner === 0) {
      sol.stream.fail("line-down", new UnreachableError(`${this.label}: SOL is no longer active; open the console again`, { facts }));
    } else {
      const who = `session 0x${owner.toString(16)}`;
      sol.stream.fail("stolen", new ConflictError(`${this.label}: ${who} has taken SOL; close it there or steal it back`, { facts }));
    }
  }
}

function parseSuites(label: string, ids: readonly number[]) {
  return (ids.length === 0 ? [17, 3] : ids).map((id) => {
    const suite = cipherSuite(id);
    if (suite === undefined) throw new InvalidArgumentError(`${label}: cipher suite ${id} is not offered; there are 3, 8, 12 and 17`);
    return suite;
  });
}

/** The table's layouts under one type: each name's own is known to the caller. */
function parameterLayout<Name extends SolParameter>(name: Name): Layout<Value<(typeof solParameterLayout)[Name]>> {
  return solParameterLayout[name] as Layout<unknown> as Layout<Value<(typeof solParameterLayout)[Name]>>;
}

/** Waits for a shared promise; the signal ends the waiting, not what is waited for. */
function abortable<T>(shared: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return shared;
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(CancelledError.from(signal));
    if (signal.aborted) onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
    void shared.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}
