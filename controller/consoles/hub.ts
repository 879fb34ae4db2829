/** The consoles of a lab, each shared by all who follow it. */
import type { Clock } from "../../proto/base/clock.js";
import type { Logger } from "../../proto/base/logger.js";
import { SharedConsole } from "./shared-console.js";
import type { Upstream } from "./upstream.js";

export interface ConsoleHubOptions {
  /** The way to a node's console. Called once per node. */
  readonly upstream: (node: string) => Upstream;
  readonly clock: Clock;
  readonly logger: Logger;
}

export class ConsoleHub {
  readonly #options: ConsoleHubOptions;
  readonly #consoles = new Map<string, SharedConsole>();

  constructor(options: ConsoleHubOptions) {
    this.#options = options;
  }

  /** The same object for the same node. */
  console(node: string): SharedConsole {
    const known = this.#consoles.get(node);
    if (known !== undefined) return known;
    const { upstream, clock, logger } = this.#options;
    const shared = new SharedConsole({ upstream: upstream(node), clock, logger: logger.child({ node }) });
    this.#consoles.set(node, shared);
    return shared;
  }

  /** Ends all followers. Idempotent. */
  close(): void {
    for (const each of this.#consoles.values()) each.close();
  }
}
