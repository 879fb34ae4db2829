/** What a Journal promises, held by the one in SQLite and by the one in memory that other tests use. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import t from "tap";
import { ConflictError, UnsupportedError } from "../../../../proto/base/errors.js";
import type { Journal } from "../../../../controller/ports.js";
import { openDatabase } from "../../../../controller/records/database.js";
import { SqliteJournal } from "../../../../controller/records/sqlite-journal.js";
import { MemoryJournal } from "../../../support/deploy/memory-journal.js";

const entry = (type: string, data: unknown = {}) => ({ type, data, timeMs: 1_800_000_000_000 });

const kinds: Readonly<Record<string, () => Journal>> = {
  memory: () => new MemoryJournal(),
  sqlite: () => new SqliteJournal(openDatabase(":memory:")),
};

for (const [kind, make] of Object.entries(kinds)) {
  void t.test(`journal in ${kind}`, async (t) => {
    void t.test("gives back what was appended, numbered from 1 without holes", async (t) => {
      const journal = make();
      const data = { text: "über\u0000\n", list: [1, null, { deep: true }] };
      t.same(await journal.append("r1", 0, [entry("planned", data), entry("leased")]), [
        { ...entry("planned", data), runId: "r1", sequence: 1 },
        { ...entry("leased"), runId: "r1", sequence: 2 },
      ]);
      await journal.append("r1", 2, [entry("ended")]);
      t.same(
        (await journal.read("r1")).map((each) => [each.sequence, each.type]),
        [
          [1, "planned"],
          [2, "leased"],
          [3, "ended"],
        ],
      );
      t.same(
        (await journal.read("r1", 3)).map((each) => each.type),
        ["ended"],
      );
      t.same(await journal.read("r2"), []);
    });

    void t.test("refuses who does not know what is written, and then writes nothing", async (t) => {
      const journal = make();
      await journal.append("r1", 0, [entry("planned")]);
      await t.rejects(journal.append("r1", 0, [entry("planned")]), ConflictError);
      await t.rejects(journal.append("r1", 2, [entry("leased")]), ConflictError);
      await t.rejects(journal.append("r2", 1, [entry("leased")]), ConflictError);
      t.equal((await journal.read("r1")).length, 1);
      t.same(
        (await journal.runs()).map((head) => head.runId),
        ["r1"],
      );
    });

    void t.test("of two who append at the same place one wins", async (t) => {
      const journal = make();
      await journal.append("r1", 0, [entry("planned")]);
      const results = await Promise.allSettled([journal.append("r1", 1, [entry("x")]), journal.append("r1", 1, [entry("y")])]);
      t.same(results.map((each) => each.status).sort(), ["fulfilled", "rejected"]);
      t.equal((await journal.read("r1")).length, 2);
    });

    void t.test("lists runs newest first, each with its first and its newest entry", async (t) => {
      const journal = make();
      await journal.append("r2", 0, [entry("planned")]);
      await journal.append("r1", 0, [entry("planned"), entry("leased")]);
      await journal.append("r2", 1, [entry("ended")]);
      t.same(
        (await journal.runs()).map((head) => [head.runId, head.first.type, head.last.type, head.last.sequence]),
        [
          ["r1", "planned", "leased", 2],
          ["r2", "planned", "ended", 2],
        ],
      );
    });
  });
}

void t.test("journal file", async (t) => {
  void t.test("is all there when it is opened again", async (t) => {
    const path = join(t.testdir(), "lab.db");
    const first = openDatabase(path);
    await new SqliteJournal(first).append("r1", 0, [entry("planned", { n: 1 })]);
    first.close();
    const second = openDatabase(path);
    t.teardown(() => second.close());
    t.same((await new SqliteJournal(second).read("r1"))[0]?.data, { n: 1 });
    await t.rejects(new SqliteJournal(second).append("r1", 0, [entry("planned")]), ConflictError);
  });

  void t.test("is refused when a newer labd has written it", (t) => {
    const path = join(t.testdir(), "lab.db");
    const database = openDatabase(path);
    database.exec("PRAGMA user_version = 99");
    database.close();
    t.throws(() => openDatabase(path), { constructor: UnsupportedError, message: /schema version 99.*upgrade labd/ });
    t.end();
  });

  void t.test("keeps every entry whose append has resolved when the process is killed", async (t) => {
    const path = join(t.testdir(), "lab.db");
    const child = spawn(process.execPath, [join(import.meta.dirname, "../../../support/deploy/append-for-ever.js"), path], {
      stdio: ["ignore", "pipe", "inherit"],
    });
    let told = "";
    for await (const chunk of child.stdout) {
      told += String(chunk);
      if (told.split("\n").length > 50) child.kill("SIGKILL");
    }
    if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
    t.equal(child.signalCode, "SIGKILL");
    const resolved = told.split("\n").slice(0, -1).map(Number);
    const database = openDatabase(path);
    t.teardown(() => database.close());
    const entries = await new SqliteJournal(database).read("r1");
    t.ok(entries.length >= resolved.length && resolved.length >= 50, `${resolved.length} told, ${entries.length} found`);
    t.same(
      entries.map((each) => each.sequence),
      entries.map((_, index) => index + 1),
      "without holes",
    );
  });
});
