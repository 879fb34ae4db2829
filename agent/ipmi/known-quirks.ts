/** What is known of one BMC: workarounds named in the inventory, and those found out since. */
import type { Logger } from "../../proto/base/logger.js";
import type { Quirk } from "./quirks.js";
import type { Deviation } from "./session/index.js";

/** What one BMC has taught us, to be kept while nobody uses it. */
export interface BmcMemory {
  /** The suite it was logged in with last. */
  suiteId: number | undefined;
  readonly learned: Map<Quirk, Deviation>;
}

export function newMemory(): BmcMemory {
  return { suiteId: undefined, learned: new Map() };
}

export class KnownQuirks {
  readonly #named: ReadonlySet<Quirk>;
  readonly #learned: Map<Quirk, Deviation>;
  readonly #log: Logger;

  constructor(named: ReadonlySet<Quirk>, memory: BmcMemory, log: Logger) {
    this.#named = named;
    this.#learned = memory.learned;
    this.#log = log;
  }

  /** Found out, in the order they were. */
  get learned(): readonly Deviation[] {
    return [...this.#learned.values()];
  }

  /** Whether to work around it: named or found out. */
  has(name: Quirk): boolean {
    return this.#named.has(name) || this.#learned.has(name);
  }

  /** Everything to work around, and `more`. */
  all(more: ReadonlySet<Quirk>): ReadonlySet<Quirk> {
    return new Set([...this.#named, ...this.#learned.keys(), ...more]);
  }

  /** Kept from now on, and told once, in the words of the inventory. */
  learn(deviation: Deviation): void {
    const { name, symptom } = deviation;
    if (this.has(name)) return;
    this.#learned.set(name, deviation);
    const stanza = `quirks: [${[...this.#named, ...this.#learned.keys()].join(", ")}]`;
    this.#log.info({ quirk: name, symptom, stanza }, "BMC needs a workaround, which is used from now on; name it in the inventory");
  }
}
