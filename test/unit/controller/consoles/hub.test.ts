import t, { type Test } from "tap";
import { ConsoleHub } from "../../../../controller/consoles/hub.js";
import type { ConsoleEvent } from "../../../../controller/ports.js";
import { CancelledError, NotFoundError, UnreachableError } from "../../../../proto/base/errors.js";
import { silentLogger } from "../../../../proto/base/logger.js";
import { randomBytes, randomSplit, seeded } from "../../../support/capture/random.js";
import { LogUpstream } from "../../../support/consoles/log-upstream.js";
import { FakeClock } from "../../../support/fake-clock.js";

function newHub(t: Test) {
  const clock = new FakeClock(1_000_000);
  const upstream = new LogUpstream(t.testdir(), clock);
  const hub = new ConsoleHub({ upstream: () => upstream, clock, logger: silentLogger });
  t.teardown(() => {
    hub.close();
    upstream.log.close();
  });
  return { clock, upstream, hub, shared: hub.console("p0") };
}

/** What one follower is told, as it is told. */
class Follower {
  readonly events: ConsoleEvent[] = [];
  readonly ended: Promise<unknown>;
  readonly #leave = new AbortController();

  constructor(events: (signal: AbortSignal) => AsyncIterable<ConsoleEvent>, pace: () => Promise<void> = async () => {}) {
    this.ended = this.#read(events(this.#leave.signal), pace);
  }

  get text(): string {
    return this.#bytes().toString("latin1");
  }

  get kinds(): string[] {
    return this.events.map((event) => (event.kind === "gap" ? `${event.cause}${event.toMs === 0 ? " open" : ""}` : event.kind));
  }

  async leave(): Promise<void> {
    this.#leave.abort();
    await this.ended;
  }

  #bytes(): Buffer {
    let next: bigint | undefined;
    const chunks: Uint8Array[] = [];
    for (const event of this.events) {
      if (event.kind !== "data") continue;
      if (next !== undefined && event.offset !== next) throw new Error(`bytes at ${event.offset} told where ${next} was due`);
      chunks.push(event.data);
      next = event.offset + BigInt(event.data.length);
    }
    return Buffer.concat(chunks);
  }

  async #read(events: AsyncIterable<ConsoleEvent>, pace: () => Promise<void>): Promise<unknown> {
    try {
      for await (const event of events) {
        this.events.push(event);
        await pace();
      }
      return undefined;
    } catch (error) {
      return error;
    }
  }
}

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** Reading the log is real I/O: turns until it is done. With a clock, waits before a stream is opened again pass meanwhile. */
async function until(done: () => boolean, what: string, clock?: FakeClock): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!done()) {
    if (Date.now() > deadline) throw new Error(`waited 20 s for ${what}`);
    await (clock?.advance(1_000) ?? turn());
  }
}

t.test("followers that keep up share one stream", async (t) => {
  const { upstream, shared } = newHub(t);
  upstream.print("history ");
  const followers = [0n, 4n, 8n].map((offset) => new Follower((signal) => shared.follow(offset, { signal })));
  await until(() => followers.every(({ kinds }) => kinds.includes("live")), "live marks");
  for (const word of ["one ", "two ", "three"]) {
    upstream.print(word);
    await until(() => followers.every(({ text }) => text.endsWith(word)), word);
  }
  t.same(
    followers.map(({ text }) => text),
    ["history one two three", "ory one two three", "one two three"],
  );
  t.equal(upstream.open, 1);
  await Promise.all(followers.map((follower) => follower.leave()));
  await until(() => upstream.open === 0, "the shared stream to end with its last follower");
  t.ok((await followers[0]?.ended) instanceof CancelledError);
});

t.test("many followers of one console are no leak in the eyes of Node", async (t) => {
  const { shared } = newHub(t);
  const warnings: Error[] = [];
  const onWarning = (warning: Error) => warnings.push(warning);
  process.on("warning", onWarning);
  const followers = Array.from({ length: 30 }, () => new Follower((signal) => shared.follow(0n, { signal })));
  await until(() => followers.every(({ kinds }) => kinds.includes("live")), "live marks");
  await Promise.all(followers.map((follower) => follower.leave()));
  await turn();
  process.off("warning", onWarning);
  t.same(warnings, []);
});

t.test("a stream that breaks is resumed where it broke: no hole, no repeat, also of gaps", async (t) => {
  const { clock, upstream, shared } = newHub(t);
  upstream.print("one ");
  upstream.log.gap({ cause: "overrun", detail: "", fromMs: 1, toMs: 2 });
  upstream.log.flush();
  const follower = new Follower((signal) => shared.follow(0n, { signal }));
  await until(() => follower.kinds.includes("live"), "the live mark");
  upstream.disconnect();
  upstream.refusal = new UnreachableError("site agent rack1: not connected");
  upstream.print("two ");
  await clock.advance(3_000);
  t.equal(follower.text, "one ");
  upstream.refusal = undefined;
  upstream.print("three");
  await until(() => follower.text.endsWith("three"), "what came meanwhile", clock);
  t.equal(follower.text, "one two three");
  t.same(
    follower.kinds.filter((kind) => kind !== "data"),
    ["overrun", "live"],
  );
  await follower.leave();
});

t.test("any number of followers, at any pace, over any number of breaks, see every byte once", async (t) => {
  for (let seed = 1; seed <= 3; seed += 1) {
    const random = seeded(seed);
    const { clock, upstream, shared } = newHub(t);
    const sent = randomBytes(600_000, random);
    const followers: { from: number; follower: Follower }[] = [];
    const slowly = async () => {
      for (let turns = Math.floor(random() * 4); turns > 0; turns -= 1) await turn();
    };
    for (const piece of randomSplit(sent, 24_000, random)) {
      if (followers.length < 6 && random() < 0.3) {
        const from = Math.floor(random() * (upstream.log.end + 1));
        const pace = random() < 0.5 ? slowly : undefined;
        followers.push({ from, follower: new Follower((signal) => shared.follow(BigInt(from), { signal }), pace) });
      }
      upstream.print(piece);
      if (random() < 0.15) upstream.disconnect();
      await clock.advance(Math.floor(random() * 300));
    }
    for (const { from, follower } of followers) {
      const due = Buffer.from(sent.subarray(from));
      await until(() => follower.text.length >= due.length, `seed ${seed}: all bytes from ${from}`, clock);
      t.equal(Buffer.from(follower.text, "latin1").compare(due), 0, `seed ${seed}, from ${from}`);
      await follower.leave();
    }
    await until(() => upstream.open === 0, "all streams to end");
  }
});

t.test("a follower that stalls delays nobody, and reads on a stream of its own what is no longer shared", async (t) => {
  const { upstream, shared } = newHub(t);
  let go = () => {};
  const stalled = new Promise<void>((resolve) => {
    go = resolve;
  });
  const slow = new Follower(
    (signal) => shared.follow(0n, { signal }),
    () => stalled,
  );
  const brisk = new Follower((signal) => shared.follow(0n, { signal }));
  await until(() => brisk.kinds.includes("live"), "the live mark");
  for (let line = 0; line < 100; line += 1) {
    upstream.print("z".repeat(10_000));
    await until(() => brisk.text.length === (line + 1) * 10_000, "the brisk one");
  }
  go();
  await until(() => slow.text.length === 1_000_000, "the slow one");
  t.equal(slow.text, brisk.text);
  await Promise.all([slow.leave(), brisk.leave()]);
});

t.test("a follower may begin at a boot, a time, the last lines or the end", async (t) => {
  const { clock, upstream, shared } = newHub(t);
  upstream.print("Linux version 1\none\n");
  await clock.advance(10_000);
  upstream.print("Linux version 2\ntwo\n");
  const told = async (from: Parameters<typeof shared.followFrom>[0]["from"]) => {
    const follower = new Follower((signal) => shared.followFrom({ from, live: false }, { signal }));
    t.equal(await follower.ended, undefined);
    return follower.text;
  };
  t.equal(await told({ boot: -1 }), "Linux version 2\ntwo\n");
  t.equal(await told({ timeMs: 1_010_000 }), "Linux version 2\ntwo\n");
  t.equal(await told({ lines: 1 }), "two\n");
  t.equal(await told({ end: true }), "");
  const live = new Follower((signal) => shared.followFrom({ from: { boot: 2 }, live: true }, { signal }));
  await until(() => live.kinds.includes("live"), "the live mark");
  upstream.print("more");
  await until(() => live.text.endsWith("more"), "what comes");
  t.equal(live.text, "Linux version 2\ntwo\nmore");
  await live.leave();
});

t.test("an open gap and its end are told to all", async (t) => {
  const { upstream, shared } = newHub(t);
  const early = new Follower((signal) => shared.follow(0n, { signal }));
  await until(() => early.kinds.includes("live"), "the live mark");
  const open = upstream.log.gap({ cause: "line-down", detail: "cable", fromMs: 5, toMs: 0 });
  upstream.log.flush();
  await until(() => early.kinds.includes("line-down open"), "the gap");
  const late = new Follower((signal) => shared.follow(0n, { signal }));
  await until(() => late.kinds.includes("live"), "the live mark");
  upstream.log.closeGap(open, 9);
  await until(() => early.kinds.includes("line-down") && late.kinds.includes("line-down"), "its end");
  for (const follower of [early, late]) {
    t.same(
      follower.kinds.filter((kind) => kind !== "live"),
      ["line-down open", "line-down"],
    );
    await follower.leave();
  }
});

t.test("a request that cannot work is refused at once", async (t) => {
  const { upstream, shared } = newHub(t);
  upstream.refusal = new NotFoundError("console x9: not captured by this site agent");
  t.ok((await new Follower((signal) => shared.follow(0n, { signal })).ended) instanceof NotFoundError);
});

t.test("closing the hub ends all followers and streams", async (t) => {
  const { clock, hub, upstream, shared } = newHub(t);
  const follower = new Follower((signal) => shared.follow(0n, { signal }));
  await until(() => follower.kinds.includes("live"), "the live mark");
  hub.close();
  t.ok((await follower.ended) instanceof CancelledError);
  await until(() => upstream.open === 0, "all streams to end");
  t.equal(clock.pendingTimers, 0);
  t.equal(hub.console("p0"), shared);
});
