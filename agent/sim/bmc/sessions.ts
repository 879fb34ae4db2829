/** The session slots of a simulated BMC: few, given up after a minute of silence, sooner when the handshake stops half-way. */
import { randomInt } from "node:crypto";
import type { Clock, Timer } from "../../../proto/base/clock.js";
import type { CipherSuite } from "../../ipmi/crypto/index.js";
import { BmcSession, type Peer } from "./session.js";

const inactivityMs = 60_000;
const handshakeMs = 10_000;
const sweepMs = 1_000;

export interface SessionsOptions {
  readonly clock: Clock;
  readonly capacity: () => number;
  /** A session is gone: closed, timed out, or the BMC itself ends. */
  readonly onClosed: (session: BmcSession) => void;
}

export class Sessions {
  readonly #options: SessionsOptions;
  readonly #sessions = new Map<number, BmcSession>();
  #sweep: Timer | undefined;

  constructor(options: SessionsOptions) {
    this.#options = options;
  }

  get capacity(): number {
    return this.#options.capacity();
  }

  /** Sessions whose handshake is complete, oldest first. */
  get active(): readonly BmcSession[] {
    return [...this.#sessions.values()].filter((session) => session.sealed !== undefined);
  }

  find(managedId: number): BmcSession | undefined {
    return this.#sessions.get(managedId);
  }

  /** A slot for a handshake; undefined when all are taken. */
  open(start: {
    consoleId: number;
    suite: CipherSuite;
    askedPrivilege: number;
    privilegeLimit: number;
    peer: Peer;
  }): BmcSession | undefined {
    if (this.#sessions.size >= this.capacity) return undefined;
    const session = new BmcSession({ ...start, managedId: this.#freeId(), lastActiveMs: this.#options.clock.monotonicMs() });
    this.#sessions.set(session.managedId, session);
    this.#sweep ??= this.#scheduleSweep();
    return session;
  }

  /** Something came in on it: it lives on, and what goes out goes to where that came from. */
  touch(session: BmcSession, peer: Peer): void {
    session.lastActiveMs = this.#options.clock.monotonicMs();
    session.peer = peer;
  }

  close(session: BmcSession): void {
    if (this.#sessions.delete(session.managedId)) this.#options.onClosed(session);
  }

  closeAll(): void {
    this.#sweep?.cancel();
    this.#sweep = undefined;
    for (const session of this.#sessions.values()) this.close(session);
  }

  #freeId(): number {
    for (;;) {
      const id = randomInt(1, 0xffff_ffff);
      if (!this.#sessions.has(id)) return id;
    }
  }

  #scheduleSweep(): Timer {
    return this.#options.clock.after(sweepMs, () => {
      const now = this.#options.clock.monotonicMs();
      for (const session of this.#sessions.values()) {
        const limitMs = session.sealed === undefined ? handshakeMs : inactivityMs;
        if (now - session.lastActiveMs > limitMs) this.close(session);
      }
      this.#sweep = this.#sessions.size > 0 ? this.#scheduleSweep() : undefined;
    });
  }
}
