import { join } from "node:path";
import t, { type Test } from "tap";
import { Captures } from "../../../../agent/capture/captures.js";
import { type ConsoleNotice, watchConsoles } from "../../../../agent/capture/watch.js";
import { CancelledError, UnreachableError } from "../../../../proto/base/errors.js";
import { silentLogger } from "../../../../proto/base/logger.js";
import { FakeConsole } from "../../../support/capture/fake-console.js";
import { FakeClock } from "../../../support/fake-clock.js";

const reopening = { initialMs: 1_000, capMs: 8_000, stableMs: 30_000, jitter: 0 };

function newSite(t: Test) {
  const clock = new FakeClock(1_000_000);
  const captures = new Captures({ directory: join(t.testdir(), "consoles"), clock, logger: silentLogger, reopening, bootId: "boot-1" });
  t.teardown(() => captures.close());
  return { clock, captures, line: new FakeConsole(clock) };
}

/** "p0 up", "p0 down: cable", "p0 gap:overrun@4", "p0 boot:1@0". */
function words({ node, notice }: ConsoleNotice): string {
  if (notice.kind === "line") return `${node} ${notice.state}${notice.reason === "" ? "" : `: ${notice.reason}`}`;
  if (notice.kind === "boot") return `${node} boot:${notice.epoch}@${notice.offset}`;
  return `${node} gap:${notice.cause}@${notice.offset}${notice.toMs === 0 ? " open" : ""}`;
}

/** Watches; what was told since the last look. */
function watching(captures: Captures) {
  const leave = new AbortController();
  const told: string[] = [];
  const ended = (async () => {
    for await (const notice of watchConsoles(captures, { signal: leave.signal })) told.push(words(notice));
  })().catch((error: unknown) => error);
  return { news: () => told.splice(0), leave: () => leave.abort(), ended };
}

t.test("a watcher is told every line as it is, then what changes, and never of bytes", async (t) => {
  const { clock, captures, line } = newSite(t);
  const refused = new FakeConsole(clock);
  refused.refusal = new UnreachableError("no route");
  captures.add("p0", line).markPower("cycle");
  captures.add("m0", refused);
  await clock.advance(20);
  const watcher = watching(captures);
  await clock.advance(0);
  t.same(watcher.news(), ["p0 up", "m0 down: no route"], "gaps and boots from before are in the logs");
  line.print("[    0.000000] Linux version 3.11.1\n");
  await clock.advance(20);
  t.same(watcher.news(), [], "this kernel belongs to the boot that was power cycled");
  captures.get("p0").markPower("reset");
  line.lose("overrun", 212);
  await clock.advance(20);
  t.same(watcher.news(), ["p0 boot:2@36", "p0 gap:overrun@36"]);
});

t.test("a line that is tried again and again is down until it is up", async (t) => {
  const { clock, captures, line } = newSite(t);
  captures.add("p0", line);
  await clock.advance(0);
  const watcher = watching(captures);
  line.lineDown(new UnreachableError("session lost"));
  line.refusal = new UnreachableError("no route");
  await clock.advance(900);
  t.same(watcher.news(), ["p0 up", "p0 down: session lost", "p0 gap:line-down@0 open"]);
  await clock.advance(20_000);
  t.same(watcher.news(), ["p0 down: no route"]);
  line.refusal = undefined;
  await clock.advance(8_000);
  t.same(watcher.news(), ["p0 up", "p0 gap:line-down@0"]);
});

t.test("a slow watcher is told the newest state once, and every gap", async (t) => {
  const { clock, captures, line } = newSite(t);
  captures.add("p0", line);
  await clock.advance(0);
  const slow = watchConsoles(captures);
  t.equal(words((await slow.next()).value as ConsoleNotice), "p0 up");
  for (let time = 0; time < 3; time += 1) {
    line.lineDown(new UnreachableError(`loss ${time}`));
    await clock.advance(10_000);
  }
  const told: string[] = [];
  for (let count = 0; count < 3; count += 1) told.push(words((await slow.next()).value as ConsoleNotice));
  t.same(told, ["p0 gap:line-down@0", "p0 gap:line-down@0", "p0 gap:line-down@0"], "the line is up, as it was");
  await slow.return();
});

t.test("consoles that come and go are told", async (t) => {
  const { clock, captures, line } = newSite(t);
  const watcher = watching(captures);
  await clock.advance(0);
  t.same(watcher.news(), []);
  captures.add("p0", line);
  await clock.advance(20);
  t.equal(watcher.news().at(-1), "p0 up");
  await captures.remove("p0");
  await clock.advance(0);
  t.equal(watcher.news().at(-1), "p0 down: no longer captured by this site agent");
});

t.test("a watch ends with its watcher, or with the agent", async (t) => {
  const { clock, captures, line } = newSite(t);
  captures.add("p0", line);
  await clock.advance(0);
  const [first, second] = [watching(captures), watching(captures)];
  await clock.advance(0);
  first.leave();
  t.ok((await first.ended) instanceof CancelledError);
  await captures.close();
  t.equal(await second.ended, undefined);
  t.equal(clock.pendingTimers, 0);
});
