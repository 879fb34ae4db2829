/** Program of a test: appends to the journal in the database named, telling each sequence number once it is written. */
import { writeSync } from "node:fs";
import { openDatabase } from "../../../controller/records/database.js";
import { SqliteJournal } from "../../../controller/records/sqlite-journal.js";

const journal = new SqliteJournal(openDatabase(process.argv[2] ?? ""));
for (let sequence = 0; ; sequence += 1) {
  await journal.append("r1", sequence, [{ type: "entry", data: {}, timeMs: 0 }]);
  writeSync(1, `${sequence + 1}\n`);
}
