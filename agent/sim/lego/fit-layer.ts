/**
 * The FIT layer from its queue pairs to its barrier, the same in the managers and in the Linux module (facts: LegoOS §6 and §7).
 *
 * Each node sends its ring message to each peer exactly once, after a blind wait. InfiniBand repeats it for about a minute; the
 * sender watches for twenty seconds. A peer whose queue pairs come later is never spoken to again: the queue pairs to it are in the
 * error state, so its own message is refused too, and both wait for ever.
 */
import type { FitEndpoint, LegoFabric } from "./fabric.js";
import type { FitConstants } from "./image.js";
import type { Lifetime } from "./lifetime.js";
import type { CheckedTable } from "./node-table.js";

const pollGivesUpMs = 20_000;
const retriesEndMs = 60_000;
const reconnectEveryMs = 20_000;

export interface FitLayerOptions {
  readonly fabric: LegoFabric;
  readonly lid: number;
  readonly constants: FitConstants;
  readonly table: CheckedTable;
  readonly initialSleepMs: number;
  readonly lifetime: Lifetime;
  /** Adds a line to the kernel's log, without the "fit: " in front. */
  readonly print: (text: string) => void;
}

export class FitLayer implements FitEndpoint {
  readonly #options: FitLayerOptions;
  readonly #joined = new Set<number>();
  readonly #broken = new Set<number>();
  readonly #mismatched = new Set<number>();
  #saidNoCompletion = false;
  #passBarrier: (() => void) | undefined;

  constructor(options: FitLayerOptions) {
    this.#options = options;
  }

  get lid(): number {
    return this.#options.lid;
  }

  get constants(): FitConstants {
    return this.#options.constants;
  }

  get table(): CheckedTable {
    return this.#options.table;
  }

  /** Builds queue pairs, introduces itself to every peer, resolves when every peer has joined: perhaps never. */
  async connect(): Promise<void> {
    const { fabric, lifetime, initialSleepMs, print } = this.#options;
    for (const peer of this.#peers) {
      print(`***  Successfully built QP for node ${pad(peer, 2)} [LID: ${this.#lidOf(peer)} QPN: ${this.constants.firstQpn}]`);
    }
    lifetime.atEnd(fabric.attach(this));
    await lifetime.pause(initialSleepMs);
    for (const peer of this.#peers) await this.#introduce(peer);
    print("Please wait other nodes to join ...");
    await this.#everybodyJoined();
  }

  receive(from: number): boolean {
    if (this.#broken.has(from)) return false;
    this.#joined.add(from);
    this.#options.print(` ... Node [${pad(from, 2)}] Joined. addr 00000007df800000 rkey 69120 nr_joined_nodes ${this.#joined.size}`);
    if (this.#joined.size === this.#peers.length) this.#passBarrier?.();
    return true;
  }

  get #peers(): readonly number[] {
    return this.table.nodes.map((_, node) => node).filter((node) => node !== this.constants.localId);
  }

  #lidOf(node: number): number {
    return this.table.nodes[node]?.lid ?? 0;
  }

  #everybodyJoined(): Promise<void> {
    if (this.#joined.size === this.#peers.length) return Promise.resolve();
    return new Promise((resolve) => {
      this.#passBarrier = resolve;
    });
  }

  /** Sends the ring message and watches for its completion; resolves when it is there or the watching ends. */
  #introduce(peer: number): Promise<void> {
    const { fabric, lifetime } = this.#options;
    if (this.#deliver(peer)) return Promise.resolve();
    return new Promise((resolve) => {
      const stopListening = fabric.onChange(() => {
        if (!this.#deliver(peer)) return;
        stopListening();
        watch.cancel();
        retries.cancel();
        resolve();
      });
      lifetime.atEnd(stopListening);
      const watch = lifetime.after(pollGivesUpMs, () => {
        this.#complainOfNoCompletion(peer);
        resolve();
      });
      const retries = lifetime.after(retriesEndMs, () => {
        stopListening();
        this.#broken.add(peer);
      });
    });
  }

  #deliver(peer: number): boolean {
    const target = this.#options.fabric.endpointAt(this.#lidOf(peer));
    if (target === undefined) return false;
    if (!this.#understands(target, peer)) {
      this.#complainOfMismatch(peer);
      return false;
    }
    return target.receive(this.constants.localId);
  }

  /** Both sides compute each other's queue pair numbers from what they were built with. */
  #understands(target: FitEndpoint, peer: number): boolean {
    const [mine, theirs] = [this.constants, target.constants];
    return (
      theirs.localId === peer &&
      theirs.firstQpn === mine.firstQpn &&
      theirs.qpsPerPair === mine.qpsPerPair &&
      theirs.socketOverInfiniband === mine.socketOverInfiniband &&
      target.table.nodes[mine.localId]?.lid === this.lid
    );
  }

  #complainOfMismatch(peer: number): void {
    if (this.#mismatched.has(peer)) return;
    this.#mismatched.add(peer);
    const { print, lifetime } = this.#options;
    print("wc.status: transport retry counter exceeded");
    const again = () => {
      print(`fail to connect to node ${peer} conn 0`);
      lifetime.after(reconnectEveryMs, again);
    };
    again();
  }

  /** Printed once per boot, whoever is missing. */
  #complainOfNoCompletion(peer: number): void {
    if (this.#saidNoCompletion) return;
    this.#saidNoCompletion = true;
    const connection = peer * this.constants.qpsPerPair;
    this.#options.print(
      `\n*****\n***** Fail to to get the CQE from send_cq (ffff88083d7f8000) after 20 seconds!\n***** CPU: 1 connection_id: ${connection} dest node: ${peer}\n*****`,
    );
  }
}

/** What managers and module say of a stale table. It begins with a line end, so its lines carry no time stamp. */
export function lidMismatch(current: number, table: number): string {
  return `\n***\n*** ERROR\n*** Current LID: ${current}. Table LID: ${table}.\n*** Other machine will fail to connect.\n*** Please update the table to use the latest LID.\n***`;
}

function pad(value: number, width: number): string {
  return String(value).padStart(width);
}
