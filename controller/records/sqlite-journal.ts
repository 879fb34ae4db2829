/** The journal of runs in SQLite. */
import { ConflictError } from "../../proto/base/errors.js";
import type { Journal, JournalEntry, RunHead } from "../ports.js";
import { inTransaction, type Database } from "./database.js";

interface EntryRow {
  readonly id: string;
  readonly sequence: number;
  readonly time_ms: number;
  readonly type: string;
  readonly data: string;
}

/** A Journal over an open database, which stays the caller's to close. */
export class SqliteJournal implements Journal {
  readonly #database: Database;

  constructor(database: Database) {
    this.#database = database;
  }

  async append(
    runId: string,
    expectedSequence: number,
    entries: readonly { type: string; data: unknown; timeMs: number }[],
  ): Promise<readonly JournalEntry[]> {
    inTransaction(this.#database, () => {
      const found = this.#lastSequence(runId);
      if (found !== expectedSequence) {
        throw new ConflictError(
          `journal of run ${runId}: has ${found} entries, ${expectedSequence} were expected; another controller wrote`,
          {
            facts: { run: runId, found, expected: expectedSequence },
          },
        );
      }
      if (found === 0) this.#database.prepare("INSERT INTO run (id) VALUES (?)").run(runId);
      const insert = this.#database.prepare(
        "INSERT INTO entry (run, sequence, time_ms, type, data) SELECT number, ?, ?, ?, ? FROM run WHERE id = ?",
      );
      for (const [index, entry] of entries.entries()) {
        insert.run(expectedSequence + index + 1, Math.round(entry.timeMs), entry.type, JSON.stringify(entry.data), runId);
      }
    });
    return this.read(runId, expectedSequence + 1);
  }

  async read(runId: string, fromSequence = 1): Promise<readonly JournalEntry[]> {
    const rows = this.#database
      .prepare(
        `SELECT run.id, sequence, time_ms, type, data FROM entry JOIN run ON run.number = entry.run
         WHERE run.id = ? AND sequence >= ? ORDER BY sequence`,
      )
      .all(runId, fromSequence) as EntryRow[];
    return rows.map(entryOf);
  }

  async runs(): Promise<readonly RunHead[]> {
    const rows = this.#database
      .prepare(
        `SELECT run.id, sequence, time_ms, type, data FROM entry JOIN run ON run.number = entry.run
         WHERE sequence = 1 OR sequence = (SELECT max(sequence) FROM entry AS newest WHERE newest.run = run.number)
         ORDER BY run.number DESC, sequence`,
      )
      .all() as EntryRow[];
    const heads = new Map<string, RunHead>();
    for (const entry of rows.map(entryOf)) {
      heads.set(entry.runId, { runId: entry.runId, first: heads.get(entry.runId)?.first ?? entry, last: entry });
    }
    return [...heads.values()];
  }

  #lastSequence(runId: string): number {
    const row = this.#database
      .prepare("SELECT max(sequence) AS last FROM entry JOIN run ON run.number = entry.run WHERE run.id = ?")
      .get(runId) as { last: number | null };
    return row.last ?? 0;
  }
}

function entryOf(row: EntryRow): JournalEntry {
  return { runId: row.id, sequence: row.sequence, timeMs: row.time_ms, type: row.type, data: JSON.parse(row.data) as unknown };
}
