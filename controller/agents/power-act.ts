/**
 * One power act, whatever happens to the connection meanwhile. The agent keeps the act under its key, so asking again never acts again; a
 * machine that is switched by its own agent takes that agent along, and it is asked again when both are back.
 */
import { sleep, type Clock } from "../../proto/base/clock.js";
import { UnreachableError } from "../../proto/base/errors.js";
import type { PowerResult, SetPowerRequest } from "../../proto/gen/lab/v1/power.js";
import type { Routes } from "./routes.js";

/** The way there and back, and what a cycle's on has of its own when its off took all the time. */
const marginMs = 60_000;
const retryMs = 250;

/**
 * The longest an agent that is there is silent about an act: a reading before it, then the act; a turn for each of a cycle's steps, and the
 * time off between them.
 */
export function longestActMs({ deadlineMs, queueMs }: Pick<SetPowerRequest, "deadlineMs" | "queueMs">): number {
  return 2 * deadlineMs + 3 * queueMs + marginMs;
}

export interface PowerActContext {
  readonly routes: Routes;
  readonly clock: Clock;
}

/** `again`: the connection broke, and the answer came when asked again. Throws UnreachableError when the agent stays away. */
export async function setPower(
  { routes, clock }: PowerActContext,
  request: SetPowerRequest,
  signal: AbortSignal | undefined,
): Promise<PowerResult & { readonly again: boolean }> {
  const { node, verb, deadlineMs } = request;
  const longestMs = longestActMs(request);
  const patienceMs = deadlineMs + marginMs;
  const endMs = clock.monotonicMs() + longestMs + patienceMs;
  let brokeMs: number | undefined;
  for (;;) {
    try {
      const { power } = await routes.power(node, { signal });
      const answer = await power.setPower(request, { signal, deadlineMs: longestMs });
      return { ...answer, again: brokeMs !== undefined };
    } catch (cause) {
      if (!(cause instanceof UnreachableError)) throw cause;
      // What the agent tells of its device is an answer; before the first break there is nothing to wait for.
      if (brokeMs === undefined && !isBreak(cause)) throw cause;
      const now = clock.monotonicMs();
      brokeMs = isBreak(cause) ? now : (brokeMs ?? now);
      if (now > Math.min(brokeMs + patienceMs, endMs)) {
        const message = `node ${node}: power ${verb}: the connection to its agent broke, and it has not come back; the act may be done`;
        throw new UnreachableError(`${message}: see lab power status ${node}`, { facts: { node }, cause });
      }
    }
    await sleep(clock, retryMs, { signal });
  }
}

/** The call itself did not come through, as opposed to an agent that does not reach its device. */
function isBreak(error: UnreachableError): boolean {
  return error.facts["rpc"] !== undefined;
}
