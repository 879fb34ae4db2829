import t, { type Test } from "tap";
import { AnnouncedLeases } from "../../../../controller/api/announced-leases.js";
import { EventBus } from "../../../../controller/api/event-bus.js";
import { silentLogger } from "../../../../proto/base/logger.js";
import { MemoryLeases } from "../../../support/agent/memory-leases.js";
import { FakeClock } from "../../../support/fake-clock.js";

const asked = { nodes: ["p0"], owner: "ada", reason: "debugging", ttlMs: 60_000 };

async function setup(t: Test) {
  const clock = new FakeClock();
  const kept = new MemoryLeases(clock);
  const events = new EventBus(clock);
  const heard: string[] = [];
  const stop = new AbortController();
  const watch = events.watch({ signal: stop.signal });
  const listening = (async () => {
    for await (const { kind, node, text } of watch) heard.push(`${kind} ${node} ${text}`);
  })();
  const open = async () => {
    const leases = await AnnouncedLeases.open({ leases: kept, events, clock, logger: silentLogger });
    t.teardown(() => leases.close());
    return leases;
  };
  t.teardown(async () => {
    stop.abort();
    await listening;
  });
  return { clock, kept, open, news: () => heard.splice(0) };
}

t.test("a lease that expires is announced when it does, once", async (t) => {
  const { clock, open, news } = await setup(t);
  await (await open()).acquire({ ...asked, nodes: ["p0", "m0"] });
  await clock.advance(59_999);
  t.same(news(), ["lease-granted p0 ada: debugging", "lease-granted m0 ada: debugging"]);
  await clock.advance(1);
  t.same(news(), ["lease-ended p0 ada: debugging (expired)", "lease-ended m0 ada: debugging (expired)"]);
  t.equal(clock.pendingTimers, 0);
});

t.test("a renewed lease ends when its new time is over", async (t) => {
  const { clock, open, news } = await setup(t);
  const leases = await open();
  const { id } = await leases.acquire(asked);
  await clock.advance(30_000);
  await leases.renew(id, 60_000);
  await clock.advance(59_999);
  t.same(news(), ["lease-granted p0 ada: debugging"]);
  await clock.advance(1);
  t.same(news(), ["lease-ended p0 ada: debugging (expired)"]);
});

t.test("a released lease is announced as ended, and not again later", async (t) => {
  const { clock, open, news } = await setup(t);
  const leases = await open();
  const { id } = await leases.acquire(asked);
  t.equal(await leases.release(id), true);
  t.equal(await leases.release(id), false);
  await clock.advance(120_000);
  t.same(news(), ["lease-granted p0 ada: debugging", "lease-ended p0 ada: debugging"]);
  t.equal(clock.pendingTimers, 0);
});

t.test("a lease of a former controller is announced when it ends", async (t) => {
  const { clock, kept, open, news } = await setup(t);
  await kept.acquire(asked);
  await open();
  await clock.advance(60_000);
  t.same(news(), ["lease-ended p0 ada: debugging (expired)"]);
});

t.test("when the wall clock is set back, a lease that is in force is not said to have ended", async (t) => {
  const { clock, open, news } = await setup(t);
  await (await open()).acquire(asked);
  clock.jumpWallClock(-10_000);
  await clock.advance(60_000);
  t.same(news(), ["lease-granted p0 ada: debugging"]);
  await clock.advance(10_000);
  t.same(news(), ["lease-ended p0 ada: debugging (expired)"]);
});

t.test("a controller that stops waits for no lease", async (t) => {
  const { clock, open, news } = await setup(t);
  const leases = await open();
  await leases.acquire(asked);
  leases.close();
  leases.close();
  await clock.advance(0);
  t.equal(clock.pendingTimers, 0);
  t.same(news(), ["lease-granted p0 ada: debugging"]);
});
