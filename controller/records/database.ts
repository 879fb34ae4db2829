/**
 * The controller's one database file: what must survive its death. WAL with synchronous=FULL, so that a transaction that has
 * returned is on the disk (facts: stack §5). Journal and leases each own their tables; the schema of both is here, versioned.
 */
import { DatabaseSync } from "@photostructure/sqlite";
import { UnsupportedError } from "../../proto/base/errors.js";

export type Database = InstanceType<typeof DatabaseSync>;

/** Step n brings a database from version n to n + 1. Only ever appended to. */
const migrations: readonly string[] = [
  `CREATE TABLE run (
     number INTEGER PRIMARY KEY AUTOINCREMENT,
     id TEXT NOT NULL UNIQUE
   ) STRICT;
   CREATE TABLE entry (
     run INTEGER NOT NULL REFERENCES run (number),
     sequence INTEGER NOT NULL,
     time_ms INTEGER NOT NULL,
     type TEXT NOT NULL,
     data TEXT NOT NULL,
     PRIMARY KEY (run, sequence)
   ) STRICT, WITHOUT ROWID;
   CREATE TABLE lease (
     epoch INTEGER PRIMARY KEY AUTOINCREMENT,
     id TEXT NOT NULL UNIQUE,
     nodes TEXT NOT NULL,
     owner TEXT NOT NULL,
     reason TEXT NOT NULL,
     granted_ms INTEGER NOT NULL,
     expires_ms INTEGER NOT NULL,
     released_ms INTEGER
   ) STRICT;
   CREATE INDEX lease_unreleased ON lease (expires_ms) WHERE released_ms IS NULL;`,
];

/**
 * Opens the database, makes it when it is not there, and brings an older one up to date. The caller closes it.
 * Throws UnsupportedError when a newer labd has written it.
 */
export function openDatabase(path: string): Database {
  const database = new DatabaseSync(path);
  try {
    database.exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; PRAGMA busy_timeout = 5000;");
    migrate(database, path);
    return database;
  } catch (error) {
    database.close();
    throw error;
  }
}

/** Runs `work` in a transaction: all of it or nothing. */
export function inTransaction<T>(database: Database, work: () => T): T {
  database.exec("BEGIN IMMEDIATE");
  try {
    const result = work();
    database.exec("COMMIT");
    return result;
  } catch (error) {
    // An error such as a full disk may have ended the transaction already.
    if (database.isTransaction) database.exec("ROLLBACK");
    throw error;
  }
}

function migrate(database: Database, path: string): void {
  const { user_version: version } = database.prepare("PRAGMA user_version").get() as { user_version: number };
  if (version > migrations.length) {
    throw new UnsupportedError(
      `database ${path}: has schema version ${version}, this controller knows up to ${migrations.length}; upgrade labd`,
    );
  }
  for (const [index, migration] of migrations.entries()) {
    if (index < version) continue;
    inTransaction(database, () => database.exec(`${migration} PRAGMA user_version = ${index + 1};`));
  }
}
