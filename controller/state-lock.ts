/** One controller per state directory: two would both take up the same runs. */
import { DatabaseSync } from "@photostructure/sqlite";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { ConflictError } from "../proto/base/errors.js";

/**
 * Makes the directory (0700) when it is not there and locks it. The lock is the operating system's, held through SQLite: kill -9
 * leaves none behind. Returns what unlocks. Throws ConflictError when another controller has it.
 */
export function lockState(directory: string): () => void {
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const database = new DatabaseSync(join(directory, "lock"));
  try {
    database.exec("PRAGMA busy_timeout = 0; PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE;");
  } catch (cause) {
    database.close();
    throw new ConflictError(`state ${directory}: another lab-controller uses it; stop that one, or choose another --state`, { cause });
  }
  return () => database.close();
}
