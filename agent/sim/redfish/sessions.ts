/** Sessions of a Redfish service: few, and forgotten when unused for a while. */
import { randomBytes } from "node:crypto";
import type { Clock } from "../../../proto/base/clock.js";

export interface RedfishSession {
  readonly id: string;
  readonly token: string;
  readonly user: string;
}

interface Kept extends RedfishSession {
  usedMs: number;
}

export class RedfishSessions {
  /** Opened so far. */
  opened = 0;
  readonly #capacity: number;
  readonly #timeoutMs: number;
  readonly #clock: Clock;
  readonly #kept = new Map<string, Kept>();

  constructor(options: { capacity: number; timeoutMs: number; clock: Clock }) {
    this.#capacity = options.capacity;
    this.#timeoutMs = options.timeoutMs;
    this.#clock = options.clock;
  }

  get timeoutMs(): number {
    return this.#timeoutMs;
  }

  /** Undefined when none is left. */
  open(user: string): RedfishSession | undefined {
    if (this.#fresh().length >= this.#capacity) return undefined;
    this.opened += 1;
    const session = { id: String(this.opened), token: randomBytes(16).toString("hex"), user, usedMs: this.#clock.monotonicMs() };
    this.#kept.set(session.id, session);
    return session;
  }

  /** The open session of a token, which is used by that. */
  use(token: string): RedfishSession | undefined {
    const session = this.#fresh().find((each) => each.token === token);
    if (session !== undefined) session.usedMs = this.#clock.monotonicMs();
    return session;
  }

  /** False when there is no such session. */
  close(id: string): boolean {
    return this.#kept.delete(id);
  }

  closeAll(): void {
    this.#kept.clear();
  }

  list(): readonly RedfishSession[] {
    return this.#fresh();
  }

  #fresh(): Kept[] {
    const oldest = this.#clock.monotonicMs() - this.#timeoutMs;
    for (const [id, { usedMs }] of this.#kept) if (usedMs < oldest) this.#kept.delete(id);
    return [...this.#kept.values()];
  }
}
