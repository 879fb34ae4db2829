/** Nodes whose power an operator switches by hand: what is asked of the operator, as soon as it is asked. */
import { sleep } from "../../../proto/base/clock.js";
import type { Connection } from "../connection.js";
import type { Context } from "../context.js";

const pollMs = 1_000;

/** Tells every request of these nodes when it appears or changes, until `signal` aborts. Never throws: the act itself says what fails. */
export async function tellRequests(
  context: Context,
  lab: Connection,
  nodes: readonly string[],
  how: { tell: (line: string) => void; signal: AbortSignal },
): Promise<void> {
  const { tell, signal } = how;
  const told = new Map<string, string>();
  while (!signal.aborted) {
    for (const node of nodes) {
      const asks = await lab.power.getPower({ node }, { signal }).then(
        (status) => status.asks,
        () => told.get(node) ?? "",
      );
      if (asks !== "" && asks !== told.get(node)) tell(`${node}: please ${asks}; then say: lab power confirm ${node} on|off`);
      told.set(node, asks);
    }
    await sleep(context.clock, pollMs, { signal }).catch(() => undefined);
  }
}
