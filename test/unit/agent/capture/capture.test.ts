import { type NoParamCallback, readlinkSync } from "node:fs";
import { basename, join } from "node:path";
import t, { type Test } from "tap";
import { Captures } from "../../../../agent/capture/captures.js";
import { type LogFilesystem, nodeFilesystem } from "../../../../agent/capture/filesystem.js";
import { AuthenticationError, ConflictError, NotFoundError, UnreachableError } from "../../../../proto/base/errors.js";
import { silentLogger } from "../../../../proto/base/logger.js";
import { FakeConsole } from "../../../support/capture/fake-console.js";
import { bytesOf, collect, shape } from "../../../support/capture/following.js";
import { FakeClock } from "../../../support/fake-clock.js";

const reopening = { initialMs: 1_000, capMs: 8_000, stableMs: 30_000, jitter: 0 };

function newLab(t: Test, clock = new FakeClock(1_000_000), directory = join(t.testdir(), "consoles"), bootId = "boot-1") {
  const captures = new Captures({ directory, clock, logger: silentLogger, reopening, bootId });
  t.teardown(() => captures.close());
  const line = new FakeConsole(clock);
  const history = (node = "p0") => collect(captures.get(node).follow({ from: { offset: 0 }, live: false }));
  return { captures, clock, directory, line, history };
}

t.test("what the line prints is stored with its losses where they happened", async (t) => {
  const { captures, clock, line, history } = newLab(t);
  const capture = captures.add("p0", line);
  t.equal(capture.status.state, "connecting");
  await clock.advance(0);
  t.match(capture.status, { node: "p0", kind: "fake", state: "up", reason: "" });
  line.print("one ");
  line.lose("overrun", 212);
  line.print("two");
  await clock.advance(20);
  const events = await history();
  t.same(shape(events), ["data@0+4", "gap:overrun@4", "data@4+3"]);
  t.match(events[1], { lostBytes: 212, detail: "overrun reported" });
  t.match(capture.status, { endOffset: 7, lastByteMs: 1_000_000 });
});

t.test("a line that goes down is opened again, later each time, and the time without it is one gap", async (t) => {
  const { captures, clock, line, history } = newLab(t);
  const capture = captures.add("p0", line);
  await clock.advance(0);
  line.print("before");
  await clock.advance(10_000);
  line.refusal = new UnreachableError("fake line: no route");
  line.lineDown(new UnreachableError("fake line: session lost"));
  await clock.advance(0);
  t.match(capture.status, { state: "down", reason: "fake line: session lost" });
  await clock.advance(1_000);
  t.equal(capture.status.reason, "fake line: no route");
  const before = line.opened;
  line.refusal = undefined;
  await clock.advance(1_999);
  t.equal(line.opened, before, "the second wait is 2 s");
  await clock.advance(1);
  t.equal(capture.status.state, "up");
  line.print("after");
  await clock.advance(20);
  const events = await history();
  t.same(shape(events), ["data@0+6", "gap:line-down@6", "data@6+5"]);
  t.match(events[1], { detail: "fake line: session lost", fromMs: 1_010_000, toMs: 1_013_000 });
});

t.test("waits are capped, and start again from the shortest after a stable period", async (t) => {
  const { captures, clock, line } = newLab(t);
  line.refusal = new AuthenticationError("fake line: wrong password");
  const capture = captures.add("p0", line);
  await clock.advance(1_000 + 2_000 + 4_000 + 8_000 + 8_000);
  line.refusal = undefined;
  await clock.advance(8_000);
  t.equal(capture.status.state, "up");
  await clock.advance(30_000);
  line.lineDown();
  await clock.advance(999);
  t.match(capture.status, { state: "down", reason: "the line was closed at the other end" });
  await clock.advance(1);
  t.equal(capture.status.state, "up");
});

t.test("a BMC that ends the line every 15 s, as some do, costs half a second each time", async (t) => {
  const clock = new FakeClock(1_000_000);
  const captures = new Captures({ directory: t.testdir(), clock, logger: silentLogger, bootId: "boot-1" });
  t.teardown(() => captures.close());
  const line = new FakeConsole(clock);
  const capture = captures.add("p0", line);
  for (let time = 0; time < 20; time += 1) {
    await clock.advance(500);
    t.equal(capture.status.state, "up");
    await clock.advance(15_000);
    line.lineDown(new UnreachableError("fake line: the BMC deactivated SOL"));
  }
});

t.test("a console that never answered tells since when", async (t) => {
  const { captures, clock, line, history } = newLab(t);
  line.refusal = new UnreachableError("fake line: no route");
  captures.add("p0", line);
  await clock.advance(5_000);
  t.match(await history(), [{ kind: "gap", cause: "line-down", offset: 0, fromMs: 1_000_000, toMs: 0 }]);
});

t.test("a power act and the kernel that boots are one epoch; the act's offset is before all it caused", async (t) => {
  const { captures, clock, line, history } = newLab(t);
  const capture = captures.add("p0", line);
  await clock.advance(0);
  line.print("old kernel says bye\n");
  await clock.advance(0);
  const before = capture.markPower("cycle");
  t.equal(before, 20, "bytes that had arrived are before the act");
  line.print("Welcome to GRUB!\n");
  await clock.advance(20);
  line.print("[    0.000000] Lego");
  await clock.advance(20);
  line.print("OS version 4.0.0-lego\n");
  await clock.advance(20);
  t.match(capture.boots, [{ epoch: 1, cause: "power", detail: "cycle", offset: before }]);
  line.print("[    0.000000] Linux version 3.11.1\n");
  await clock.advance(20);
  t.match(capture.boots[1], { epoch: 2, cause: "banner", detail: "[    0.000000] Linux version 3.11.1" });
  t.equal(bytesOf(await history()).indexOf("[    0.000000] Linux"), capture.boots[1]?.offset);
  t.equal(capture.status.bootEpoch, 2);
});

t.test("a boot is told before the bytes of its banner, also when they come in pieces", async (t) => {
  const { captures, clock, line, history } = newLab(t);
  captures.add("p0", line);
  await clock.advance(0);
  for (const piece of ["noise\nLin", "ux ver", "sion 5.1", "0\nmore"]) line.print(piece);
  await clock.advance(20);
  t.same(shape(await history()), ["data@0+6", "boot:1@6", "data@6+23"]);
});

t.test("epochs are judged the same after a restart", async (t) => {
  const clock = new FakeClock(1_000_000);
  const first = newLab(t, clock);
  first.captures.add("p0", first.line).markPower("on");
  await clock.advance(0);
  first.line.print("SeaBIOS (version 1.16)\n");
  await clock.advance(20);
  await first.captures.close();
  const second = newLab(t, clock, first.directory);
  const capture = second.captures.add("p0", second.line);
  await clock.advance(0);
  second.line.print("Linux version 5.10\n");
  await clock.advance(20);
  t.equal(capture.boots.length, 1, "the kernel of a boot that began before the restart");
  second.line.print("Linux version 5.10\n");
  await clock.advance(20);
  t.match(capture.boots, [{ epoch: 1 }, { epoch: 2 }]);
});

t.test("an agent that died is missed from the last sync on, or from the last byte when that was later", async (t) => {
  const clock = new FakeClock(1_000_000);
  const first = newLab(t, clock);
  first.captures.add("p0", first.line);
  first.captures.add("m0", new FakeConsole(clock));
  await clock.advance(12_000);
  await untilAlive(clock, first.captures);
  first.line.print("last words");
  await clock.advance(2_000);
  const second = newLab(t, clock, first.directory);
  second.captures.add("p0", second.line);
  second.captures.add("m0", new FakeConsole(clock));
  const gap = async (node: string) => (await second.history(node)).find((event) => event.kind === "gap");
  t.match(await gap("p0"), { cause: "agent-down", fromMs: 1_012_000, toMs: 1_014_000 });
  t.match(await gap("m0"), { cause: "agent-down", fromMs: 1_010_000, toMs: 1_014_000 });
});

t.test("one writes at a time; a thief is named to the one displaced", async (t) => {
  const { captures, clock, line } = newLab(t);
  const capture = captures.add("p0", line);
  await clock.advance(0);
  const ada = capture.attach("ada", { steal: false });
  t.equal(ada.right.displaced, "");
  await ada.write(Buffer.from("ls\n"));
  t.throws(() => capture.attach("bob", { steal: false }), { code: "conflict", message: /ada is writing/ });
  const bob = capture.attach("bob", { steal: true });
  t.equal(bob.right.displaced, "ada");
  t.equal(await ada.right.lost, "bob");
  await t.rejects(ada.write(Buffer.from("rm\n")), ConflictError);
  await bob.sendBreak(250);
  ada.right.release();
  t.equal(capture.status.writer, "bob", "who has lost the right gives nothing back");
  bob.right.release();
  t.equal(capture.status.writer, "");
  t.same([line.written.map(String), line.breaks], [["ls\n"], [250]]);
});

t.test("writing to a line that is down says why", async (t) => {
  const { captures, clock, line } = newLab(t);
  line.refusal = new UnreachableError("fake line: no route");
  const capture = captures.add("p0", line);
  await clock.advance(0);
  await t.rejects(capture.attach("ada", { steal: false }).write(Buffer.from("x")), { code: "unreachable", message: /no route/ });
});

t.test("consoles are let go one by one, and closing leaves no timer", async (t) => {
  const { captures, clock, line, history } = newLab(t);
  captures.add("p0", line);
  const other = new FakeConsole(clock);
  captures.add("m0", other);
  t.throws(() => captures.add("p0", line), ConflictError);
  await clock.advance(0);
  t.ok(await captures.remove("m0"));
  t.notOk(await captures.remove("m0"));
  t.ok(other.closed);
  t.throws(() => captures.get("m0"), NotFoundError);
  line.print("still here");
  await clock.advance(20);
  t.equal(bytesOf(await history()).toString(), "still here");
  await captures.close();
  t.equal(clock.pendingTimers, 0);
});

t.test("a line that opens after its console was let go is closed again", async (t) => {
  const { captures, clock } = newLab(t);
  const slow = new FakeConsole(clock);
  let answer = () => {};
  const answered = new Promise<void>((resolve) => {
    answer = resolve;
  });
  captures.add("p0", { kind: "fake", label: "slow line", open: () => answered.then(() => slow.open()), close: () => slow.close() });
  const stopped = captures.remove("p0");
  answer();
  t.ok(await stopped);
  t.equal(slow.opened, 1);
});

t.test("an agent whose machine has rebooted goes on behind every offset it can have told", async (t) => {
  const clock = new FakeClock(1_000_000);
  const first = newLab(t, clock);
  first.captures.add("p0", first.line);
  await clock.advance(6_000);
  await untilAlive(clock, first.captures);
  const second = newLab(t, clock, first.directory, "boot-2");
  t.ok(second.captures.add("p0", second.line).status.endOffset > 1_000_000);
});

t.test("a name that would lead out of the folder is refused", async (t) => {
  const { captures, line } = newLab(t);
  for (const node of ["", "..", "../p0", "a/b", ".alive"]) t.throws(() => captures.add(node, line), { code: "invalid-argument" }, node);
});

/** The sync is real I/O: waits for the one that is under way. */
async function untilAlive(clock: FakeClock, captures: Captures): Promise<void> {
  await Promise.all(captures.list().map(({ log }) => log.sync()));
  await clock.advance(0);
}

t.test("what was captured is on the disk itself when capture has stopped", async (t) => {
  const clock = new FakeClock(1_000_000);
  const synced: string[] = [];
  const filesystem: LogFilesystem = {
    ...nodeFilesystem,
    fdatasync: ((fd: number, done: NoParamCallback) => {
      synced.push(basename(readlinkSync(`/proc/self/fd/${fd}`)));
      nodeFilesystem.fdatasync(fd, done);
    }) as LogFilesystem["fdatasync"],
  };
  const captures = new Captures({ directory: t.testdir(), clock, logger: silentLogger, reopening, log: { filesystem } });
  const line = new FakeConsole(clock);
  captures.add("p0", line);
  await clock.advance(0);
  line.print("last words");
  await clock.advance(20);
  await captures.close();
  t.same(synced.sort(), ["00000000000000000000.log", "00000000000000000000.times", "marks.jsonl"]);
});
