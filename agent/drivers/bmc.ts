/** BMCs by address: power and console of one machine share one session, because BMCs have few (facts: IPMI §1). */
import type { Clock } from "../../proto/base/clock.js";
import { InvalidArgumentError } from "../../proto/base/errors.js";
import { openBmc, type Bmc, type BmcDependencies, type BmcOptions } from "../ipmi/index.js";

import type { Discover } from "./bmc-probe.js";

export interface BmcLease {
  readonly bmc: Bmc;
  readonly clock: Clock;
  /** Finds out what it takes to log in to it, by sessions of its own. */
  readonly discover: Discover;
  /** The last one to let go closes the session. Idempotent. */
  readonly release: () => Promise<void>;
}

interface Pooled {
  readonly options: BmcOptions;
  readonly bmc: Bmc;
  holders: number;
}

export class BmcPool {
  readonly #deps: BmcDependencies;
  readonly #bmcs = new Map<string, Pooled>();

  constructor(deps: BmcDependencies) {
    this.#deps = deps;
  }

  /** Nothing is sent before the BMC is used. Throws InvalidArgumentError when it is held with other credentials. */
  acquire(options: BmcOptions): BmcLease {
    const key = `${options.address} ${options.port ?? 623}`;
    const pooled = this.#bmcs.get(key) ?? { options, bmc: openBmc(options, this.#deps), holders: 0 };
    if (pooled.options.user !== options.user || pooled.options.password !== options.password) {
      throw new InvalidArgumentError(`${pooled.bmc.label}: two nodes name it with different credentials; a BMC has one session here`);
    }
    pooled.holders += 1;
    this.#bmcs.set(key, pooled);
    let held = true;
    return {
      bmc: pooled.bmc,
      clock: this.#deps.clock,
      discover: async () => ({ suites: [], quirks: [], problems: [], packets: 0 }),
      release: async () => {
        if (!held) return;
        held = false;
        pooled.holders -= 1;
        if (pooled.holders > 0) return;
        if (this.#bmcs.get(key) === pooled) this.#bmcs.delete(key);
        await pooled.bmc.close();
      },
    };
  }

  /** Closes every session, held or not. Idempotent. */
  async close(): Promise<void> {
    const pooled = [...this.#bmcs.values()];
    this.#bmcs.clear();
    await Promise.all(pooled.map(({ bmc }) => bmc.close()));
  }
}
