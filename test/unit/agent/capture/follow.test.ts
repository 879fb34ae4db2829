import { join } from "node:path";
import t, { type Test } from "tap";
import { ConsoleLog } from "../../../../agent/capture/console-log.js";
import type { ConsoleEvent } from "../../../../agent/capture/events.js";
import { follow } from "../../../../agent/capture/follow.js";
import { CancelledError, InvalidArgumentError, NotFoundError } from "../../../../proto/base/errors.js";
import { bytesOf, collect, collectUntil, shape } from "../../../support/capture/following.js";
import { randomBytes, randomSplit, seeded } from "../../../support/capture/random.js";
import { FakeClock } from "../../../support/fake-clock.js";

function newLog(t: Test, options: { segmentBytes?: number; retainBytes?: number } = {}) {
  const clock = new FakeClock(1_000_000);
  const log = new ConsoleLog(join(t.testdir(), "p0"), { clock, ...options });
  t.teardown(() => log.close());
  const print = (text: string) => {
    log.append(Buffer.from(text, "latin1"), clock.now());
    log.flush();
  };
  return { clock, log, print };
}

t.test("history, then live, joined by offset, for followers that come at any moment and read at any pace", async (t) => {
  for (let seed = 1; seed <= 6; seed += 1) {
    const random = seeded(seed);
    const { clock, log } = newLog(t, { segmentBytes: 3_000 });
    const sent = randomBytes(30_000, random);
    const followers: Promise<ConsoleEvent[]>[] = [];
    let printed = 0;
    for (const piece of randomSplit(sent, 900, random)) {
      if (followers.length < 12 && random() < 0.4) {
        const slow = random() < 0.5;
        const events = follow(log, { from: { offset: Math.floor(random() * (log.end + 1)) }, live: true, untilOffset: sent.length });
        followers.push(slow ? collectSlowly(events, random) : collect(events));
      }
      log.append(piece, clock.now());
      printed += piece.length;
      if (random() < 0.2) log.gap({ cause: "overrun", detail: String(printed), fromMs: clock.now(), toMs: clock.now() });
      await clock.advance(Math.floor(random() * 30));
    }
    log.flush();
    t.equal(printed, sent.length);
    for (const events of await Promise.all(followers)) {
      const first = events.find((event) => event.kind === "data");
      const from = first?.offset ?? sent.length;
      t.ok(bytesOf(events).equals(Buffer.from(sent.subarray(from))), `seed ${seed}, from ${from}`);
      t.ok(inOrder(events), `seed ${seed}, from ${from}: every gap stands where its bytes are missing`);
    }
  }
});

t.test("a follower that stalls holds nobody up, and misses nothing when it goes on", async (t) => {
  const { clock, log, print } = newLog(t, { segmentBytes: 50_000 });
  const stalled = follow(log, { from: { offset: 0 }, live: true, untilOffset: 200_000 });
  print("x".repeat(1_000));
  await stalled.next();
  const brisk = collect(follow(log, { from: { end: true }, live: true, untilOffset: 200_000 }));
  for (let line = 0; line < 199; line += 1) {
    print("y".repeat(1_000));
    await clock.advance(1);
  }
  t.equal(bytesOf(await brisk).length, 199_000);
  t.equal(bytesOf(await collect(stalled)).toString(), "y".repeat(199_000));
});

t.test("a gap that comes while a follower reads is told before the bytes behind it", async (t) => {
  const { clock, log, print } = newLog(t);
  print("on disk ");
  print("newest ");
  const following = follow(log, { from: { offset: 0 }, live: true, untilOffset: 20 });
  const reading = following.next();
  // The follower has asked the file system by then and cannot have its answer yet.
  for (let reaction = 0; reaction < 5; reaction += 1) await Promise.resolve();
  log.gap({ cause: "overrun", detail: "flag", fromMs: clock.now(), toMs: clock.now() });
  print("after");
  const { value: first } = await reading;
  t.ok(first);
  const events = [...(first ? [first] : []), ...(await collect(following))];
  t.ok(inOrder(events), shape(events).join(" "));
  t.equal(bytesOf(events).toString(), "on disk newest after");
});

t.test("the live mark is told once, after the history", async (t) => {
  const { clock, log, print } = newLog(t);
  print("old");
  const following = collectUntil(follow(log, { from: { offset: 0 }, live: true }), (event) => event.kind === "data" && event.offset === 3);
  await clock.advance(0);
  print("new");
  t.same(shape(await following), ["data@0+3", "live@3", "data@3+3"]);
});

t.test("bytes come with the time of their arrival, to 50 ms", async (t) => {
  const { clock, log, print } = newLog(t);
  for (const text of ["a", "b", "c"]) {
    print(text);
    await clock.advance(1_000);
  }
  const times = (await collect(follow(log, { from: { offset: 0 }, live: false }))).map((event) => event.kind === "data" && event.timeMs);
  t.same(times, [1_000_000, 1_001_000, 1_002_000]);
});

t.test("a time is turned into the offset of the first byte captured since, over segments", async (t) => {
  const { clock, log, print } = newLog(t, { segmentBytes: 20 });
  for (let line = 0; line < 20; line += 1) {
    print(`line ${String(line).padStart(2)}\n`);
    await clock.advance(1_000);
  }
  for (const line of [0, 1, 2, 3, 9, 18, 19]) {
    for (const early of [0, 400, 900]) {
      const [first] = await collect(follow(log, { from: { timeMs: 1_000_000 + line * 1_000 - early }, live: false }));
      t.match(first, { offset: line * 8 }, `line ${line}, asked ${early} ms before`);
    }
  }
  t.same(await collect(follow(log, { from: { timeMs: 1_020_000 }, live: false })), []);
});

t.test("a wall clock that was set back loses no byte of a follower that asks by time", async (t) => {
  const { clock, log, print } = newLog(t);
  print("before ");
  clock.jumpWallClock(-500_000);
  print("after");
  const events = await collect(follow(log, { from: { timeMs: clock.now() }, live: false }));
  t.ok(bytesOf(events).toString().endsWith("after"));
});

t.test("lines are counted from the end, with or without a last newline", async (t) => {
  const { log, print } = newLog(t, { segmentBytes: 7 });
  for (const text of ["one\n", "two\n", "three\n", "prompt> "]) print(text);
  const last = async (lines: number) => bytesOf(await collect(follow(log, { from: { lines }, live: false }))).toString();
  t.equal(await last(0), "");
  t.equal(await last(1), "prompt> ");
  t.equal(await last(2), "three\nprompt> ");
  t.equal(await last(4), "one\ntwo\nthree\nprompt> ");
  t.equal(await last(99), "one\ntwo\nthree\nprompt> ");
  print("\n");
  t.equal(await last(1), "prompt> \n");
});

t.test("boots are found by number and from the newest", async (t) => {
  const { log, print } = newLog(t);
  for (const version of ["3.10.0", "4.0.0", "5.1.0"]) print(`Linux version ${version}\nrunning\n`);
  const text = async (boot: number) => bytesOf(await collect(follow(log, { from: { boot }, live: false }))).toString();
  t.ok((await text(1)).startsWith("Linux version 3.10.0"));
  t.ok((await text(2)).startsWith("Linux version 4.0.0"));
  t.ok((await text(-1)).startsWith("Linux version 5.1.0"));
  t.ok((await text(-3)).startsWith("Linux version 3.10.0"));
  await t.rejects(collect(follow(log, { from: { boot: 4 }, live: false })), NotFoundError);
  await t.rejects(collect(follow(log, { from: { boot: -4 }, live: false })), { message: /known boots are 1 to 3/ });
});

t.test("one boot alone is told from its mark to before the next", async (t) => {
  const { log, print } = newLog(t);
  for (const version of ["3.10.0", "4.0.0"]) print(`Linux version ${version}\n`);
  const [first, second] = log.boots;
  const request = { from: { boot: 1 }, live: true, untilOffset: second?.offset };
  t.same(shape(await collect(follow(log, request))), [`boot:1@${first?.offset}`, "data@0+21"]);
});

t.test("an open gap is told at once to a follower that wants only what comes, and again when it ends", async (t) => {
  const { clock, log, print } = newLog(t);
  print("before");
  const open = log.gap({ cause: "line-down", detail: "cable", fromMs: clock.now(), toMs: 0 });
  log.flush();
  const following = collectUntil(follow(log, { from: { end: true }, live: true }), (event) => event.kind === "data");
  await clock.advance(3_000);
  log.closeGap(open, clock.now());
  print("after");
  t.same(shape(await following), ["gap:line-down@6 open", "live@6", "gap:line-down@6", "data@6+5"]);
  const later = await collect(follow(log, { from: { offset: 0 }, live: false }));
  t.same(shape(later), ["data@0+6", "gap:line-down@6", "data@6+5"], "a gap that has ended is told once");
});

t.test("an offset the line never reached is refused", async (t) => {
  const { log, print } = newLog(t);
  print("short");
  await t.rejects(collect(follow(log, { from: { offset: 6 }, live: true })), InvalidArgumentError);
});

t.test("a waiting follower ends when its caller cancels and when the log closes", async (t) => {
  const { clock, log } = newLog(t);
  const cancel = new AbortController();
  const cancelled = collect(follow(log, { from: { end: true }, live: true }, { signal: cancel.signal }));
  const closing = collect(follow(log, { from: { end: true }, live: true }));
  await clock.advance(0);
  cancel.abort();
  await t.rejects(cancelled, CancelledError);
  log.close();
  t.same(shape(await closing), ["live@0", "gap:agent-down@0 open"]);
});

async function collectSlowly(events: AsyncIterable<ConsoleEvent>, random: () => number): Promise<ConsoleEvent[]> {
  const seen: ConsoleEvent[] = [];
  for await (const event of events) {
    seen.push(event);
    for (let turns = Math.floor(random() * 5); turns > 0; turns -= 1) await new Promise((resolve) => setImmediate(resolve));
  }
  return seen;
}

/** Every gap is told between the bytes before it and the byte that has its offset. */
function inOrder(events: readonly ConsoleEvent[]): boolean {
  let next: number | undefined;
  for (const event of events) {
    if (event.kind === "gap" && next !== undefined && event.offset !== next) return false;
    if (event.kind === "data") next = event.offset + event.data.length;
  }
  return true;
}
