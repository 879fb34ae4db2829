import { readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { createLogger } from "../../../../proto/base/logger.js";

t.test("secrets are kept out of the log, at the top and inside objects, and the rest stays", async (t) => {
  const file = join(t.testdir(), "labd.log");
  const log = createLogger({ name: "test", level: "info", file });
  log.info({ bmc: "10.0.1.10", password: "hunter2", token: "id.hunter2" }, "top");
  log.child({ request: { node: "p0", kg: "hunter2" } }).info("child");
  log.info({ assignment: { bmc: { user: "admin", password: "hunter2" } }, identity: { keyPem: "hunter2" } }, "nested");
  const text = readFileSync(file, "utf8");
  t.notMatch(text, "hunter2");
  t.match(text, "[redacted]");
  for (const kept of ["10.0.1.10", '"node":"p0"', '"user":"admin"']) t.match(text, kept);
});

t.test("an error keeps its message, code and cause in the log", async (t) => {
  const file = join(t.testdir(), "labd.log");
  const log = createLogger({ name: "test", level: "warn", file });
  log.info("not loud enough");
  log.warn({ err: new Error("bmc p0: no answer", { cause: new Error("ECONNREFUSED") }) }, "failed");
  const lines = readFileSync(file, "utf8").trim().split("\n");
  t.equal(lines.length, 1);
  t.match(lines[0], "bmc p0: no answer: ECONNREFUSED");
});
