/**
 * Fuzzing of IPMI, both ends: mutated genuine datagrams, recorded ones of other programs, and rubbish sealed with the right keys, thrown at
 * the client's handshake, session and SOL stream and at the simulated BMC while they work. Whatever is not understood must vanish; an
 * exception, a wait without end or memory that grows is a defect. Failures name the seed and the round.
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { LoginWindow, openBmc, type Bmc, type SolStream } from "../../../agent/ipmi/index.js";
import * as wire from "../../../agent/ipmi/wire/index.js";
import { LabError } from "../../../proto/base/errors.js";
import { silentLogger } from "../../../proto/base/logger.js";
import { seeded } from "../capture/random.js";
import { FakeClock } from "../fake-clock.js";
import { frames, seededBytes } from "../ipmi/bytes.js";
import * as captures from "../ipmi/captures.js";
import { mutate, mutationNames, pick, randomBytesOf, type Random } from "./mutation.js";
import { fuzzPassword, HostileNetwork, type Direction } from "./network.js";

export interface FuzzReport {
  readonly datagrams: number;
  readonly rounds: number;
  /** By mutation; "sealed" = rubbish under the right keys. */
  readonly counts: Readonly<Record<string, number>>;
  /** Rounds in which the client got a session in spite of it all. */
  readonly sessions: number;
  readonly commandsAnswered: number;
  readonly solBytes: number;
  readonly seconds: number;
  /** After a collection of garbage, when a tenth was done and at the end. */
  readonly heapBytes: { readonly early: number; readonly end: number };
}

const perHandshakeDatagram = 12;
const perSession = 3000;
const burst = 100;
const kept = 64;
/** More than any wait inside: whoever has not settled by then never will. */
const patienceMs = 300_000;

const recorded = Object.values(captures).flatMap((exchange) =>
  frames(exchange.replaceAll(/^[wb].*$\n?/gm, "")).filter(({ bytes }) => bytes.length > 0),
);

/** Throws `datagrams` of them. Throws Error when anything but a refusal comes of it. */
export async function fuzz({ datagrams, seed }: { datagrams: number; seed: number }): Promise<FuzzReport> {
  const fuzzer = new Fuzzer(seed);
  const began = Date.now();
  let rounds = 0;
  let early = 0;
  for (; fuzzer.thrown < datagrams; rounds += 1) {
    try {
      await fuzzer.round();
    } catch (cause) {
      throw new Error(`fuzzing with seed ${seed} failed in round ${rounds}, after ${fuzzer.thrown} datagrams`, { cause });
    }
    if (early === 0 && fuzzer.thrown >= datagrams / 10) early = heapBytes();
  }
  await fuzzer.end();
  const { thrown, counts, sessions, commandsAnswered, solBytes } = fuzzer;
  const seconds = (Date.now() - began) / 1000;
  return { datagrams: thrown, rounds, counts, sessions, commandsAnswered, solBytes, seconds, heapBytes: { early, end: heapBytes() } };
}

class Fuzzer {
  thrown = 0;
  readonly counts: Record<string, number> = {};
  sessions = 0;
  commandsAnswered = 0;
  solBytes = 0;
  readonly #random: Random;
  readonly #bytes: (length: number) => Uint8Array;
  readonly #clock = new FakeClock();
  readonly #network = new HostileNetwork(this.#clock);
  readonly #genuine: Record<Direction, Uint8Array[]> = { toBmc: [], toClient: [] };

  constructor(seed: number) {
    this.#random = seeded(seed);
    this.#bytes = seededBytes(seed);
    for (const { direction, bytes } of recorded) this.#keep(direction === ">" ? "toBmc" : "toClient", bytes);
  }

  /** A login, a session with commands and a console, and its end, all under fire. */
  async round(): Promise<void> {
    const deps = { clock: this.#clock, log: silentLogger, transport: this.#network, random: this.#bytes, logins: new LoginWindow() };
    const bmc = openBmc({ address: "bmc", user: "admin", password: fuzzPassword, cipherSuites: [pick([3, 17], this.#random)] }, deps);
    // Nothing of a login is proved before its end, so few survive this: most rounds are to get further.
    const hostile = this.#random() < 0.3;
    this.#network.onGenuine = (direction, datagram) => {
      this.#keep(direction, datagram);
      for (let left = hostile ? perHandshakeDatagram : 0; left > 0; left -= 1) {
        this.#throw(direction, this.#random() < 0.3 ? datagram : undefined);
      }
    };
    const opened = await this.#settled(this.#watched(bmc.openSol({ steal: true })), "a console");
    this.#network.onGenuine = (direction, datagram) => this.#keep(direction, datagram);
    if (opened !== undefined) await this.#useUnderFire(bmc, opened);
    await this.#settled(this.#watched(bmc.close()), "closing");
  }

  async end(): Promise<void> {
    await this.#network.close();
    if (this.#clock.pendingTimers > 0) throw new Error(`${this.#clock.pendingTimers} timers are left`);
  }

  async #useUnderFire(bmc: Bmc, first: SolStream): Promise<void> {
    this.sessions += 1;
    let stream: SolStream | undefined = first;
    let reading = this.#watched(this.#read(first));
    for (let left = perSession; left > 0; left -= burst) {
      const asked = this.#watched(bmc.chassisStatus());
      const written = this.#watched(stream?.write(randomBytesOf(20, this.#random)) ?? Promise.resolve());
      this.#network.serial.transmit(randomBytesOf(40, this.#random));
      for (let shots = burst; shots > 0; shots -= 1) {
        if (this.#random() < 0.3) this.#throwSealed(pick(["toBmc", "toClient"] as const, this.#random));
        else this.#throw(pick(["toBmc", "toClient"] as const, this.#random));
      }
      if ((await this.#settled(asked, "a status")) !== undefined) this.commandsAnswered += 1;
      await this.#settled(written, "a write");
      if (written.outcome?.error === undefined) continue;
      // The console did not survive that.
      if (stream !== undefined) await this.#settled(this.#watched(stream.close()), "closing a broken console");
      await this.#settled(reading, "the end of what is read");
      stream = await this.#settled(this.#watched(bmc.openSol({ steal: true })), "a console again");
      if (stream !== undefined) reading = this.#watched(this.#read(stream));
    }
    if (stream !== undefined) await this.#settled(this.#watched(stream.close()), "closing the console");
    await this.#settled(reading, "the end of what is read");
  }

  async #read(stream: SolStream): Promise<void> {
    for await (const event of stream.events) if (event.kind === "bytes") this.solBytes += event.data.length;
  }

  #watched<T>(work: Promise<T>): Watched<T> {
    const watched: Watched<T> = { outcome: undefined };
    void work.then(
      (value) => (watched.outcome = { value }),
      (error: unknown) => (watched.outcome = { error }),
    );
    return watched;
  }

  #throw(direction: Direction, basis?: Uint8Array): void {
    const corpus = this.#genuine[direction];
    const mutation = pick(mutationNames, this.#random);
    this.#count(mutation);
    this.#network.inject(direction, mutate(mutation, basis ?? pick(corpus, this.#random), pick(corpus, this.#random), this.#random));
  }

  /** Authentic and new as far as anybody can tell, and rubbish inside. */
  #throwSealed(direction: Direction): void {
    const { session } = this.#network.eavesdropper;
    if (session === undefined) return this.#throw(direction);
    this.#count("sealed");
    const { consoleSessionId, managedSessionId, packets, heard } = session;
    const [payloadType, payload] = rubbish(direction, this.#random);
    const sequence = heard[direction] + 2 + Math.floor(this.#random() * 12);
    const sessionId = direction === "toBmc" ? managedSessionId : consoleSessionId;
    this.#network.inject(direction, packets.seal({ payloadType, sessionId, sequence, payload }));
  }

  #count(what: string): void {
    this.thrown += 1;
    this.counts[what] = (this.counts[what] ?? 0) + 1;
  }

  #keep(direction: Direction, datagram: Uint8Array): void {
    const corpus = this.#genuine[direction];
    if (corpus.length < kept) corpus.push(datagram);
    else corpus[Math.floor(this.#random() * kept)] = datagram;
  }

  /** The result, undefined when it was refused: under fire anything may fail, but with an error of ours, and it must end. */
  async #settled<T>(work: Watched<T>, what: string): Promise<T | undefined> {
    const until = this.#clock.monotonicMs() + patienceMs;
    for (let stepMs = 0; work.outcome === undefined; stepMs = 250) {
      if (this.#clock.monotonicMs() > until) throw new Error(`${what} never ends`);
      await this.#clock.advance(stepMs);
    }
    const { value, error } = work.outcome;
    if (error !== undefined && !(error instanceof LabError)) throw new Error(`${what} failed in a way of its own`, { cause: error });
    return value;
  }
}

interface Watched<T> {
  outcome: { readonly value?: T; readonly error?: unknown } | undefined;
}

/** A payload: of the right kind and wrong inside, or of no kind. */
function rubbish(direction: Direction, random: Random): [number, Uint8Array] {
  const data = randomBytesOf(Math.floor(random() * 60), random);
  const anyByte = () => Math.floor(random() * 256);
  const kind = random();
  if (kind < 0.3) {
    const packet = {
      sequence: anyByte() & 15,
      acknowledged: anyByte() & 15,
      accepted: anyByte(),
      flags: random() < 0.7 ? 0 : anyByte(),
      data,
    };
    return [wire.payloadType.sol, wire.encodeSol(packet)];
  }
  if (kind < 0.7) {
    const [netFn, command] = pick(
      [
        [0, 1],
        [0, 8],
        [0, 9],
        [6, 1],
        [6, 0x3b],
        [6, 0x48],
        [6, 0x4a],
        [6, 0x4b],
        [12, 1],
        [12, 2],
      ],
      random,
    ) as [number, number];
    const message = { responderAddress: 0x20, requesterAddress: 0x81, netFn, lun: 0, sequence: anyByte() & 63, command, data };
    const payload =
      direction === "toBmc" ? wire.encodeRequest(message) : wire.encodeReply(wire.replyTo(message, random() < 0.5 ? 0 : anyByte(), data));
    return [wire.payloadType.ipmi, random() < 0.3 ? mutate("byte", payload, payload, random) : payload];
  }
  return [random() < 0.8 ? pick([wire.payloadType.ipmi, wire.payloadType.sol], random) : anyByte() & 0x3f, data];
}

/** What is in use after a collection of garbage. */
export function heapBytes(): number {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  collect();
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}
