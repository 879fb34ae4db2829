/** BMCs by address: power and console of one machine share one session, because BMCs have few (facts: IPMI §1). */
import type { Clock } from "../../proto/base/clock.js";
import { InvalidArgumentError } from "../../proto/base/errors.js";
import {
  countedTransport,
  discoverBmc,
  LoginWindow,
  newMemory,
  openBmc,
  type Bmc,
  type BmcDependencies,
  type BmcDiscovery,
  type BmcMemory,
  type BmcOptions,
  type Traffic,
} from "../ipmi/index.js";

export interface BmcLease {
  readonly bmc: Bmc;
  readonly clock: Clock;
  /** Finds out what it takes to log in to it, by sessions of its own; counts its datagrams in `traffic`. */
  discover(how: { signal?: AbortSignal | undefined; traffic: Traffic }): Promise<BmcDiscovery>;
  /** A session of its own with suites other than the inventory's; whoever opens it, closes it. */
  openWith(cipherSuites: readonly number[]): Bmc;
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
  /** Outlives the holders: what a BMC was found to need need not be found out again. */
  readonly #memories = new Map<string, BmcMemory>();

  /** One window of logins for all of them. */
  constructor(deps: Omit<BmcDependencies, "logins">) {
    this.#deps = { ...deps, logins: new LoginWindow() };
  }

  /** Nothing is sent before the BMC is used. Throws InvalidArgumentError when it is held with other credentials. */
  acquire(options: BmcOptions): BmcLease {
    const key = `${options.address} ${options.port ?? 623}`;
    const memory = this.#memories.get(key) ?? newMemory();
    const pooled = this.#bmcs.get(key) ?? { options, bmc: openBmc(options, this.#deps, memory), holders: 0 };
    if (pooled.options.user !== options.user || pooled.options.password !== options.password) {
      throw new InvalidArgumentError(`${pooled.bmc.label}: two nodes name it with different credentials; a BMC has one session here`);
    }
    pooled.holders += 1;
    this.#bmcs.set(key, pooled);
    this.#memories.set(key, memory);
    let held = true;
    return {
      bmc: pooled.bmc,
      clock: this.#deps.clock,
      discover: async ({ signal, traffic }) => {
        const transport = countedTransport(this.#deps.transport, traffic);
        const found = await discoverBmc(options, { ...this.#deps, transport }, { signal });
        if (found.suites.some(({ works }) => works)) pooled.bmc.trust();
        return found;
      },
      openWith: (cipherSuites) => openBmc({ ...options, cipherSuites }, this.#deps),
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

  /** Closes every session, held or not, all at the same time: 4 s at most, however many BMCs are dead. Idempotent. */
  async close(): Promise<void> {
    const pooled = [...this.#bmcs.values()];
    this.#bmcs.clear();
    await Promise.all(pooled.map(({ bmc }) => bmc.close()));
  }
}
