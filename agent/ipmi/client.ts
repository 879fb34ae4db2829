/** One BMC: its commands and its console over one session, because BMCs have few. */
import { ConflictError, UnreachableError, type LabError } from "../../proto/base/errors.js";
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
import { KnownQuirks, newMemory, type BmcMemory } from "./known-quirks.js";
import { Link, type LinkDependencies, type LinkOwner } from "./link.js";
import { parseOptions, type BmcOptions, type BmcProfile } from "./options.js";
import type { Deviation, Session } from "./session/index.js";
import { activateSol, ActiveSol, giveBackSol, SolHold, StuckSolError, type SolStream } from "./sol/index.js";
import { countedTransport, type Traffic } from "./transport/index.js";
import { decode, encode, type Layout, type SolPacket, type Value } from "./wire/index.js";

export type BmcDependencies = LinkDependencies;

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
  /** A session is open now, as far as we know. */
  readonly isOpen: boolean;
  /** Workarounds found out so far, not those the options name. They hold as long as this BMC is held. */
  learned(): readonly Deviation[];
  /** Somebody got in with this password meanwhile: ends the pause after a refused one. */
  trust(): void;
  /** Datagrams exchanged so far but those of the console; copies and what was dropped included. */
  traffic(): Readonly<Traffic>;
  /** Closes console, session and route within 4 s, answered or not; forgets the password. Idempotent. */
  close(): Promise<void>;
}

/** A session heard of this recently is alive enough to carry a command that is sent only once. */
const provenMs = 5000;

/** Describes a BMC; nothing is sent before it is used. `memory`: what it has taught before, and is to teach now. Throws InvalidArgumentError for what the protocol has no room for. */
export function openBmc(options: BmcOptions, deps: BmcDependencies, memory: BmcMemory = newMemory()): Bmc {
  return new SharedBmc(options, deps, memory);
}

class SharedBmc implements Bmc, LinkOwner {
  readonly label: string;
  readonly #profile: BmcProfile;
  readonly #deps: BmcDependencies;
  readonly #quirks: KnownQuirks;
  readonly #traffic: Traffic = { sent: 0, received: 0 };
  readonly #link: Link;
  #console: SolHold | undefined;
  #consoleOpening = false;
  /** Ids of the session in which the console was lost, or may have been opened: the BMC may still think that it is ours there. */
  #formerIds: ReadonlySet<number> = new Set();
  /** A console that came about after its caller had left. */
  #givingBack: Promise<void> = Promise.resolve();
  #closed: Promise<void> | undefined;

  constructor(options: BmcOptions, deps: BmcDependencies, memory: BmcMemory) {
    this.#profile = parseOptions(options);
    this.label = this.#profile.label;
    const log = deps.log.child({ bmc: this.label });
    this.#deps = { ...deps, log, transport: countedTransport(deps.transport, this.#traffic) };
    this.#quirks = new KnownQuirks(this.#profile.quirks, memory, log);
    this.#link = new Link(this.#profile, memory, this.#quirks, this.#deps, this);
  }

  async send<Request, Reply>(command: Command<Request, Reply>, request: Request, options?: Signal): Promise<Reply> {
    // A command that may not be repeated must not be the one that finds out that the session has expired.
    if (!command.repeatable && (this.#link.session?.silentMs ?? 0) > provenMs) await this.deviceId(options);
    return this.#link.use((session) => session.request(command, request, options), { repeatable: command.repeatable, ...options });
  }

  chassisStatus(options?: Signal): Promise<ReplyOf<typeof getChassisStatus>> {
    return this.send(getChassisStatus, {}, options);
  }

  async chassisControl(action: ChassisAction, options?: Signal): Promise<void> {
    await this.send(chassisControl, { action: { code: chassisAction[action] } }, options);
    this.#deps.log.info({ action }, "chassis control done");
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
    if (this.#console !== undefined || this.#consoleOpening) throw new ConflictError(`${this.label}: its console is already open here`);
    this.#consoleOpening = true;
    try {
      try {
        return await this.#opened(options);
      } catch (error) {
        if (!(error instanceof StuckSolError)) throw error;
        this.#deps.log.warn({ err: error }, "SOL is stuck in our session; opening another session");
        this.#link.renew();
        return await this.#opened(options);
      }
    } finally {
      this.#consoleOpening = false;
    }
  }

  #opened(options?: Signal & { steal?: boolean }): Promise<SolStream> {
    const use = { repeatable: true, patient: true, signal: options?.signal };
    return this.#link.use((session) => this.#activate(session, options), use);
  }

  get isOpen(): boolean {
    return this.#link.session !== undefined;
  }

  trust(): void {
    this.#link.trust();
  }

  learned(): readonly Deviation[] {
    return this.#quirks.learned;
  }

  traffic(): Readonly<Traffic> {
    return { ...this.#traffic };
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  isPatient(): boolean {
    return this.#console !== undefined;
  }

  /** With a console open, asks whether it is still ours. */
  async keepAlive(session: Session): Promise<void> {
    if (this.#console === undefined) await session.exchange(getDeviceId, {});
    else await this.#console.keepAlive();
  }

  lost(session: Session, error: LabError): void {
    if (this.#console === undefined) return;
    this.#formerIds = idsOf(session);
    this.#console.stream.fail("line-down", error, false);
  }

  async #close(): Promise<void> {
    await this.#console?.stream.close();
    await this.#link.close();
    // One that was being opened meanwhile: its session is gone.
    await this.#console?.stream.close();
  }

  async #activate(session: Session, options?: Signal & { steal?: boolean }): Promise<SolStream> {
    const quirks = this.#quirks;
    const { clock, log } = this.#deps;
    const { port } = this.#profile.remote;
    await this.#givingBack;
    const early: { packet: SolPacket; order: number }[] = [];
    // A BMC may send characters before its answer to the activation.
    session.onSol((packet, order) => early.push({ packet, order }));
    try {
      const activation = { subject: this.label, steal: options?.steal ?? false, formerIds: this.#formerIds, clock, port, quirks };
      const { chunkBytes, deviations } = await activateSol(session, activation, options);
      for (const deviation of deviations) quirks.learn(deviation);
      const stream = new ActiveSol(chunkBytes, {
        subject: this.label,
        copiesPerNumber: quirks.has("solpacketseq") ? 2 : undefined,
        clock,
        send: (packet) => session.sendSol(packet),
        noticed: (notice) => log.info({ notice }, "the machine's end of SOL"),
        release: (ours) => this.#release(session, hold, ours),
      });
      const hold = new SolHold(session, stream, { subject: this.label, clock, log, quirks });
      this.#console = hold;
      session.onSol((packet, order) => stream.received(packet, order));
      for (const { packet, order } of early) stream.received(packet, order);
      // Ids come again: what was ours once may be anybody's now.
      this.#formerIds = new Set();
      await hold.begin(options);
      log.info("SOL activated");
      return stream;
    } catch (error) {
      session.onSol(undefined);
      this.#leftOpen(session, error, options?.signal?.aborted ?? false);
      throw error;
    }
  }

  /** An activation that ended without its answer may have been done all the same. */
  #leftOpen(session: Session, error: unknown, cancelled: boolean): void {
    if (cancelled || error instanceof UnreachableError || error instanceof StuckSolError) this.#formerIds = idsOf(session);
    if (cancelled) this.#givingBack = giveBackSol(session).catch(() => undefined);
  }

  async #release(session: Session, hold: SolHold, ours: boolean): Promise<void> {
    this.#console = undefined;
    session.onSol(undefined);
    await hold.end(ours && this.#link.session === session);
  }
}

function idsOf({ ids }: Session): ReadonlySet<number> {
  return new Set([ids.console, ids.managed]);
}

/** The table's layouts under one type: each name's own is known to the caller. */
function parameterLayout<Name extends SolParameter>(name: Name): Layout<Value<(typeof solParameterLayout)[Name]>> {
  return solParameterLayout[name] as Layout<unknown> as Layout<Value<(typeof solParameterLayout)[Name]>>;
}
