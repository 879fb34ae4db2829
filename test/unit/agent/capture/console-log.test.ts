import { appendFileSync, readdirSync, readFileSync, truncateSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { ConsoleLog, type ConsoleLogOptions } from "../../../../agent/capture/console-log.js";
import { follow, type FollowRequest } from "../../../../agent/capture/follow.js";
import { bytesOf, collect, shape } from "../../../support/capture/following.js";
import { randomBytes, randomSplit, seeded } from "../../../support/capture/random.js";
import { FakeClock } from "../../../support/fake-clock.js";

const everything: FollowRequest = { from: { offset: 0 }, live: false };
const latin1 = (text: string) => Buffer.from(text, "latin1");

function newLog(directory: string, clock: FakeClock, options: Partial<ConsoleLogOptions> = {}) {
  return new ConsoleLog(join(directory, "p0"), { clock, ...options });
}

t.test("bytes are stored as they came, whatever the splits, and told again from any offset", async (t) => {
  for (let seed = 1; seed <= 8; seed += 1) {
    const random = seeded(seed);
    const clock = new FakeClock();
    const log = newLog(t.testdir(), clock, { segmentBytes: 4_096 });
    const sent = randomBytes(20_000, random);
    for (const piece of randomSplit(sent, 700, random)) {
      log.append(piece, clock.now());
      if (random() < 0.3) await clock.advance(Math.floor(random() * 40));
    }
    log.flush();
    t.equal(log.end, sent.length, `seed ${seed}`);
    for (const from of [0, 1, 4_095, 4_096, 4_097, Math.floor(random() * sent.length), sent.length]) {
      const events = await collect(follow(log, { from: { offset: from }, live: false }));
      t.ok(bytesOf(events).equals(Buffer.from(sent.subarray(from))), `seed ${seed}, from ${from}`);
      t.ok(events.every((event) => event.kind !== "data" || event.data.length <= 16_384));
    }
    log.close();
  }
});

t.test("what is not written yet is not told, and is written within 10 ms or at 64 KB", async (t) => {
  const clock = new FakeClock();
  const log = newLog(t.testdir(), clock);
  log.append(latin1("hello"), clock.now());
  t.equal(log.end, 0);
  await clock.advance(10);
  t.equal(log.end, 5);
  log.append(new Uint8Array(64 * 1024), clock.now());
  t.equal(log.end, 5 + 64 * 1024);
  log.close();
  t.equal(clock.pendingTimers, 0);
});

t.test("offsets go on after a restart and are never used again", async (t) => {
  const directory = t.testdir();
  const clock = new FakeClock(1_000_000);
  const first = newLog(directory, clock);
  first.append(latin1("before"), clock.now());
  first.close();
  await clock.advance(5_000);
  const second = newLog(directory, clock);
  second.append(latin1("after"), clock.now());
  second.flush();
  const events = await collect(follow(second, everything));
  t.same(shape(events), ["data@0+6", "gap:agent-down@6", "data@6+5"]);
  t.match(events[1], { fromMs: 1_000_000, toMs: 1_005_000, detail: "capture was stopped" });
  second.close();
});

t.test("a log that was not closed tells from when to when nobody listened", async (t) => {
  const directory = t.testdir();
  const clock = new FakeClock(1_000_000);
  const abandoned = newLog(directory, clock);
  abandoned.append(latin1("before"), clock.now());
  abandoned.flush();
  const open = abandoned.gap({ cause: "line-down", detail: "cable", fromMs: clock.now(), toMs: 0 });
  t.equal(open.gap.offset, 6);
  abandoned.flush();
  await clock.advance(60_000);
  const log = newLog(directory, clock, { lastAliveMs: 1_030_000 });
  const gaps = (await collect(follow(log, everything))).slice(1);
  t.match(gaps, [
    { cause: "line-down", fromMs: 1_000_000, toMs: 1_030_000 },
    { cause: "agent-down", fromMs: 1_030_000, toMs: 1_060_000 },
  ]);
  log.close();
});

t.test("a torn index is cut back at every byte of its last record, and no stored byte is lost", async (t) => {
  const names = (directory: string) => readdirSync(join(directory, "p0"));
  for (const kind of [".times", "marks.jsonl"]) {
    const template = t.testdir();
    const clock = new FakeClock();
    const written = newLog(template, clock);
    for (const line of ["one\n", "two\n", "three\n"]) {
      written.append(latin1(line), clock.now());
      written.gap({ cause: "overrun", detail: "flag", fromMs: clock.now(), toMs: clock.now() });
      await clock.advance(1_000);
    }
    const files = new Map(names(template).map((name) => [name, readFileSync(join(template, "p0", name))]));
    written.close();
    const torn = [...files.keys()].find((name) => name.endsWith(kind)) ?? "";
    const whole = files.get(torn) ?? Buffer.alloc(0);
    const lastRecord = kind === ".times" ? 16 : whole.length - (whole.lastIndexOf(0x0a, whole.length - 2) + 1);
    for (let cut = 1; cut <= lastRecord; cut += 1) {
      const directory = t.testdir({ p0: Object.fromEntries(files) });
      truncateSync(join(directory, "p0", torn), whole.length - cut);
      const log = newLog(directory, clock);
      log.append(latin1("four\n"), clock.now());
      log.flush();
      const events = await collect(follow(log, everything));
      t.equal(bytesOf(events).toString(), "one\ntwo\nthree\nfour\n", `${kind} cut by ${cut}`);
      t.equal(events.filter((event) => event.kind === "gap").length, kind === ".times" ? 4 : 3);
      log.close();
      const again = newLog(directory, clock);
      t.equal(bytesOf(await collect(follow(again, everything))).toString(), "one\ntwo\nthree\nfour\n");
      again.close();
    }
  }
});

t.test("zeros and noise behind the index, as a power failure leaves them, are ignored", async (t) => {
  const directory = t.testdir();
  const clock = new FakeClock();
  newLog(directory, clock).close();
  const before = newLog(directory, clock);
  before.append(latin1("kept"), clock.now());
  before.flush();
  const folder = join(directory, "p0");
  for (const name of readdirSync(folder)) {
    if (name.endsWith(".times")) appendFileSync(join(folder, name), Buffer.alloc(40));
    if (name === "marks.jsonl") appendFileSync(join(folder, name), Buffer.concat([Buffer.alloc(30), latin1('\n{"id":'), Buffer.alloc(5)]));
  }
  const log = newLog(directory, clock);
  log.append(latin1(" and more"), clock.now());
  log.flush();
  t.equal(bytesOf(await collect(follow(log, everything))).toString(), "kept and more");
  log.close();
});

t.test("beyond its size the oldest segments go, and whoever asks for them is told so", async (t) => {
  const clock = new FakeClock();
  const log = newLog(t.testdir(), clock, { segmentBytes: 1_000, retainBytes: 3_000 });
  for (let line = 0; line < 100; line += 1) {
    log.append(latin1(`${String(line).padStart(99, ".")}\n`), clock.now());
    log.flush();
  }
  t.equal(log.end, 10_000);
  t.ok(log.first > 0 && log.end - log.first <= 4_000, `first is ${log.first}`);
  const events = await collect(follow(log, { from: { offset: 500 }, live: false }));
  t.match(events[0], { kind: "gap", cause: "retention", offset: log.first, lostBytes: log.first - 500 });
  t.equal(bytesOf(events).length, log.end - log.first);
  log.close();
});

t.test("a segment somebody removed is a gap, not an end", async (t) => {
  const directory = t.testdir();
  const clock = new FakeClock();
  const log = newLog(directory, clock, { segmentBytes: 100 });
  for (let index = 0; index < 5; index += 1) {
    log.append(new Uint8Array(100).fill(index), clock.now());
    log.flush();
  }
  log.close();
  const path = join(directory, "p0", "00000000000000000200.log");
  writeFileSync(path, readFileSync(path).subarray(0, 40));
  const again = newLog(directory, clock, { segmentBytes: 100 });
  const events = await collect(follow(again, everything));
  t.match(
    events.find((event) => event.kind === "gap"),
    { cause: "discarded", offset: 300, lostBytes: 60 },
  );
  again.close();
});

t.test("after a power failure no offset that was told is used again", async (t) => {
  const directory = t.testdir();
  const clock = new FakeClock(1_000_000);
  const before = newLog(directory, clock);
  before.append(latin1("on the disk, told but never on the disk"), clock.now());
  before.flush();
  truncateSync(join(directory, "p0", "00000000000000000000.log"), 11);
  await clock.advance(60_000);
  const log = newLog(directory, clock, { powerFailed: true });
  t.ok(log.end > before.end);
  log.append(latin1("after"), clock.now());
  log.flush();
  for (const from of [0, 11, before.end]) {
    const events = await collect(follow(log, { from: { offset: from }, live: false }));
    const gaps = events.filter((event) => event.kind === "gap");
    t.match(gaps, [{ cause: "agent-down", offset: log.end - 5, fromMs: 1_000_000, toMs: 1_060_000 }], `from ${from}`);
    t.equal(gaps.length, 1);
    t.match(events.at(-1), { kind: "data", offset: log.end - 5, data: Buffer.from("after") });
  }
  log.close();
});
