/** What the connected site agents say of their consoles, by node. */
import type { ConsoleView } from "../../proto/gen/lab/v1/console.js";
import type { Routes } from "../agents/routes.js";

/** An overview does not wait longer for one slow site. */
const deadlineMs = 3_000;

export class ConsoleStates {
  readonly #routes: Routes;

  constructor(routes: Routes) {
    this.#routes = routes;
  }

  /** Asks every connected site at once; one that fails or is slow is left out. */
  async read(options: { signal: AbortSignal }): Promise<ReadonlyMap<string, ConsoleView>> {
    const answers = await Promise.allSettled(
      this.#routes.connectedSites().map(({ console }) => console.listConsoles({}, { signal: options.signal, deadlineMs })),
    );
    const views = answers.flatMap((answer) => (answer.status === "fulfilled" ? answer.value.consoles : []));
    return new Map(views.map((view) => [view.node, view]));
  }
}
