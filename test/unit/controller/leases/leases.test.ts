/** Who may act, and until when. */
import { join } from "node:path";
import t from "tap";
import { ConflictError, InvalidArgumentError, NotFoundError } from "../../../../proto/base/errors.js";
import { SqliteLeases } from "../../../../controller/leases/sqlite-leases.js";
import { openDatabase } from "../../../../controller/records/database.js";
import { FakeClock } from "../../../support/fake-clock.js";

function setup() {
  const clock = new FakeClock();
  return { clock, leases: new SqliteLeases(openDatabase(":memory:"), clock) };
}

const ask = (...nodes: string[]) => ({ nodes, owner: "ada", reason: "test", ttlMs: 60_000 });

void t.test("a lease covers all its nodes, until its time", async (t) => {
  const { clock, leases } = setup();
  const lease = await leases.acquire(ask("a", "b", "a"));
  t.match(lease, { epoch: 1n, nodes: ["a", "b"], owner: "ada", reason: "test", grantedMs: clock.now(), expiresMs: clock.now() + 60_000 });
  t.same(await leases.holding("b"), lease);
  t.equal(await leases.holding("c"), undefined);
  await clock.advance(60_000);
  t.equal(await leases.holding("b"), undefined);
  t.same(await leases.list(), []);
});

void t.test("all nodes or none: whoever holds one of them is named, with reason and time", async (t) => {
  const { leases } = setup();
  await leases.acquire({ ...ask("b"), owner: "ci", reason: "nightly" });
  const error = (await leases.acquire(ask("a", "b")).catch((thrown: unknown) => thrown)) as Error;
  t.type(error, ConflictError);
  t.match(error.message, /^b: held by ci \(nightly\) until 2027-01-15T08:01:00\.000Z; nothing was leased/);
  t.equal(await leases.holding("a"), undefined);
});

void t.test("every lease ever has the next epoch, also after release, expiry and refusal", async (t) => {
  const { clock, leases } = setup();
  const first = await leases.acquire(ask("a"));
  await leases.release(first.id);
  const second = await leases.acquire(ask("a"));
  await leases.acquire(ask("a")).catch(() => undefined);
  await clock.advance(60_000);
  t.same([first.epoch, second.epoch, (await leases.acquire(ask("a"))).epoch], [1n, 2n, 3n]);
});

void t.test("renewing moves the end; what has ended cannot be renewed", async (t) => {
  const { clock, leases } = setup();
  const lease = await leases.acquire(ask("a"));
  await clock.advance(50_000);
  t.equal((await leases.renew(lease.id, 60_000)).expiresMs, clock.now() + 60_000);
  await clock.advance(59_000);
  t.equal((await leases.holding("a"))?.epoch, 1n);
  await clock.advance(1000);
  await t.rejects(leases.renew(lease.id, 60_000), NotFoundError);
});

void t.test("releasing says whether there was something to release", async (t) => {
  const { leases } = setup();
  const lease = await leases.acquire(ask("a"));
  t.equal(await leases.release(lease.id), true);
  t.equal(await leases.release(lease.id), false);
  t.equal(await leases.release("never"), false);
});

void t.test("a lease without nodes is refused", async (t) => {
  await t.rejects(setup().leases.acquire(ask()), InvalidArgumentError);
});

void t.test("leases and epochs survive a restart", async (t) => {
  const path = join(t.testdir(), "lab.db");
  const clock = new FakeClock();
  const first = openDatabase(path);
  const lease = await new SqliteLeases(first, clock).acquire(ask("a"));
  first.close();
  const second = openDatabase(path);
  t.teardown(() => second.close());
  const leases = new SqliteLeases(second, clock);
  t.same(await leases.list(), [lease]);
  t.equal((await leases.acquire(ask("b"))).epoch, 2n);
});
