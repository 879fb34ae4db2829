/** Asks a person once before something that would be hard to take back. A script says --yes. */
import { createInterface } from "node:readline/promises";
import { CancelledError, InvalidArgumentError } from "../../proto/base/errors.js";
import type { Context } from "./context.js";

/** Returns when the answer is yes. Throws CancelledError when it is not, InvalidArgumentError where nobody can be asked. */
export async function confirm(context: Context, what: string): Promise<void> {
  if (context.json || !context.terminal.interactive || !process.stdin.isTTY) throw new InvalidArgumentError(`${what}; say --yes to go on`);
  const questions = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await questions.question(`${what}. Go on? [y/N] `, { signal: context.signal });
    if (!/^y(es)?$/i.test(answer.trim())) throw new CancelledError("nothing was done");
  } finally {
    questions.close();
  }
}
