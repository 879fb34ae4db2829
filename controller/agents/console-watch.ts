/** What happens on the consoles of a connected site agent, for as long as it stays connected. */
import { Backoff } from "../../proto/base/backoff.js";
import { type Clock, sleep } from "../../proto/base/clock.js";
import { describeError, UnsupportedError } from "../../proto/base/errors.js";
import type { Logger } from "../../proto/base/logger.js";
import type { ConsoleNotice } from "../../proto/gen/lab/v1/console.js";
import type { AgentConnection } from "./agent-connection.js";

const reopening = { initialMs: 200, capMs: 5_000, stableMs: 10_000 };

export interface ConsoleWatchOptions {
  readonly onNotice: (notice: ConsoleNotice) => void;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Resolves when the connection has ended, or at once for an agent that is too old to be watched. Never throws. */
export async function watchConsoles(agent: AgentConnection, options: ConsoleWatchOptions): Promise<void> {
  const { onNotice, clock } = options;
  const logger = options.logger.child({ agent: agent.name });
  const gone = new AbortController();
  const { signal } = gone;
  void agent.channel.closed.then(() => gone.abort());
  const backoff = new Backoff(reopening);
  while (!signal.aborted) {
    const openedMs = clock.monotonicMs();
    try {
      for await (const notice of agent.console.watchConsoles({}, { signal })) onNotice(notice);
    } catch (error) {
      if (error instanceof UnsupportedError) {
        return logger.warn(
          "this site agent is too old to tell of consoles that go up and down, gaps and boots; update it to see them as events",
        );
      }
      if (!signal.aborted) logger.debug({ reason: describeError(error) }, "watch of consoles broke; opening it again");
    }
    await sleep(clock, backoff.nextDelayMs(clock.monotonicMs() - openedMs), { signal }).catch(() => undefined);
  }
}
