/** What every command gets: the terminal, the clock, the signal of Ctrl-C, and the lab when it needs one. */
import type { Clock } from "../../proto/base/clock.js";
import { type Connection, connectLab } from "./connection.js";
import { toJson } from "./json.js";
import type { LabDirectory } from "./lab-directory.js";
import type { Terminal } from "./terminal.js";

export interface Context {
  readonly terminal: Terminal;
  readonly clock: Clock;
  readonly env: NodeJS.ProcessEnv;
  readonly directory: LabDirectory;
  /** `--json`: one object a line instead of words. */
  readonly json: boolean;
  /** Aborts at Ctrl-C or SIGTERM. */
  readonly signal: AbortSignal;
}

/** Runs `work` with a connection to the lab and closes it whatever happens. */
export async function withLab<T>(context: Context, work: (lab: Connection) => Promise<T>): Promise<T> {
  const lab = await connectLab(context.directory, context.clock);
  try {
    return await work(lab);
  } finally {
    lab.close();
  }
}

/** Prints facts: as one JSON line, or as the lines `words` makes of them. */
export function show<T>(context: Context, facts: T, words: (facts: T) => readonly string[]): void {
  if (context.json) context.terminal.print(toJson(facts));
  else for (const line of words(facts)) context.terminal.print(line);
}
