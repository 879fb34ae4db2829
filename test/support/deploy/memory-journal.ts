/** A Journal in memory, held to the same contract as the one in SQLite. */
import { ConflictError } from "../../../proto/base/errors.js";
import type { Journal, JournalEntry, RunHead } from "../../../controller/ports.js";

export class MemoryJournal implements Journal {
  readonly #runs = new Map<string, JournalEntry[]>();

  async append(
    runId: string,
    expectedSequence: number,
    entries: readonly { type: string; data: unknown; timeMs: number }[],
  ): Promise<readonly JournalEntry[]> {
    const known = this.#runs.get(runId) ?? [];
    if (known.length !== expectedSequence) throw new ConflictError(`journal of run ${runId}: has ${known.length} entries`);
    const added = entries.map((entry, index) => ({
      ...entry,
      data: JSON.parse(JSON.stringify(entry.data)) as unknown,
      runId,
      sequence: expectedSequence + index + 1,
    }));
    this.#runs.set(runId, [...known, ...added]);
    return added;
  }

  async read(runId: string, fromSequence = 1): Promise<readonly JournalEntry[]> {
    return (this.#runs.get(runId) ?? []).slice(fromSequence - 1);
  }

  async runs(): Promise<readonly RunHead[]> {
    return [...this.#runs]
      .map(([runId, entries]) => ({ runId, first: entries[0] as JournalEntry, last: entries[entries.length - 1] as JournalEntry }))
      .reverse();
  }
}
