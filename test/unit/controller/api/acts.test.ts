import t from "tap";
import type { ServiceClient } from "../../../../proto/rpc/service.js";
import { BoundedQueue } from "../../../../proto/base/queue.js";
import { BootServiceService } from "../../../../proto/gen/lab/v1/boot.js";
import { CommandServiceService } from "../../../../proto/gen/lab/v1/command.js";
import type { AttachRequest } from "../../../../proto/gen/lab/v1/console.js";
import { ConsoleServiceService } from "../../../../proto/gen/lab/v1/console.js";
import type { WriteRequest } from "../../../../proto/gen/lab/v1/file.js";
import { FileServiceService } from "../../../../proto/gen/lab/v1/file.js";
import { LeaseServiceService } from "../../../../proto/gen/lab/v1/lease.js";
import { PowerServiceService } from "../../../../proto/gen/lab/v1/power.js";
import { Acting } from "../../../../controller/api/acting.js";
import { SqliteLeases } from "../../../../controller/leases/sqlite-leases.js";
import { openDatabase } from "../../../../controller/records/database.js";
import { FakeClock } from "../../../support/fake-clock.js";
import { startTestController } from "../../../support/agent/test-controller.js";

type Power = ServiceClient<typeof PowerServiceService>;
const act = (power: Power, verb: string, fence?: { leaseId: string; epoch: bigint }) =>
  power.setPower({ node: "p0", verb, fence, key: "", deadlineMs: 1000, queueMs: 0 });

t.test("an act without a lease takes one for itself and gives it back, also when it fails", async (t) => {
  const lab = await startTestController(t);
  await lab.agent("rack1");
  const power = lab.clientFor(PowerServiceService);
  t.match(await act(power, "on"), { before: "off", after: "on", acted: true });
  t.same(await lab.leases.list(), []);
  await t.rejects(act(power, "explode"), { name: "InvalidArgumentError", message: /on, off, cycle, reset, soft/ });
  t.same(await lab.leases.list(), []);
});

t.test("the lease of a power act lasts as long as the act may wait and take", async (t) => {
  const lab = await startTestController(t);
  const rack1 = await lab.agent("rack1");
  let lastsMs = 0;
  rack1.onPower = async () => {
    const [lease] = await lab.leases.list();
    if (lease !== undefined) lastsMs = lease.expiresMs - lease.grantedMs;
  };
  const hourMs = 3_600_000;
  const request = { node: "p0", verb: "on", fence: undefined, key: "", deadlineMs: 120_000, queueMs: hourMs };
  await lab.clientFor(PowerServiceService).setPower(request);
  t.ok(lastsMs > hourMs + 120_000, `${lastsMs} ms`);
});

t.test("an act on a node somebody else holds is refused with holder and reason, and nothing is done", async (t) => {
  const lab = await startTestController(t);
  const rack1 = await lab.agent("rack1");
  await lab.leases.acquire({ nodes: ["p0"], owner: "ci", reason: "nightly", ttlMs: 60_000 });
  await t.rejects(act(lab.clientFor(PowerServiceService), "off"), { name: "ConflictError", message: /held by ci \(nightly\)/ });
  t.same(rack1.acts, []);
});

t.test("of two acts at once on a node, the first to end leaves the other its lease", async (t) => {
  const leases = new SqliteLeases(openDatabase(":memory:"), new FakeClock());
  const acting = new Acting(leases);
  const act = { node: "p0", fence: undefined, caller: { name: "ada", role: "operator" }, what: "exec" } as const;
  const ends: (() => void)[] = [];
  const begin = async () => {
    const done = acting.run(act, () => new Promise<void>((resolve) => ends.push(resolve)));
    await new Promise(setImmediate);
    return { done };
  };
  const [first, second] = [await begin(), await begin()];
  ends[0]?.();
  await first.done;
  t.equal((await leases.list()).length, 1, "nobody else may act yet");
  ends[1]?.();
  await second.done;
  t.same(await leases.list(), []);
});

t.test("one's own lease is used, with its fence or without", async (t) => {
  const lab = await startTestController(t);
  await lab.agent("rack1");
  const lease = await lab.clientFor(LeaseServiceService).acquire({ nodeset: "p0,m0", ttlMs: 60_000n, reason: "debugging" });
  const power = lab.clientFor(PowerServiceService);
  t.match(await act(power, "on"), { after: "on" });
  t.match(await act(power, "off", { leaseId: lease.id, epoch: lease.epoch }), { after: "off" });
  t.equal((await lab.leases.list()).length, 1);
});

t.test("the fence of a lease that has ended is refused", async (t) => {
  const lab = await startTestController(t);
  await lab.agent("rack1");
  const leases = lab.clientFor(LeaseServiceService);
  const { id, epoch } = await leases.acquire({ nodeset: "p0", ttlMs: 60_000n, reason: "x" });
  await leases.release({ id, force: false });
  await t.rejects(act(lab.clientFor(PowerServiceService), "on", { leaseId: id, epoch }), {
    name: "ConflictError",
    message: /not in force/,
  });
});

t.test("a lease is its owner's to renew and give back; force takes it", async (t) => {
  const lab = await startTestController(t);
  const grace = await lab.enroll("operator", "grace");
  const [mine, hers] = [lab.clientFor(LeaseServiceService), lab.clientFor(LeaseServiceService, grace)];
  const lease = await hers.acquire({ nodeset: "p0", ttlMs: 60_000n, reason: "hers" });
  t.equal(lease.owner, "grace");
  await t.rejects(mine.renew({ id: lease.id, ttlMs: 1000n }), { name: "PermissionError", message: /held by grace/ });
  await t.rejects(mine.release({ id: lease.id, force: false }), { name: "PermissionError" });
  await t.rejects(mine.acquire({ nodeset: "p0", ttlMs: 1000n, reason: "" }), { name: "ConflictError" });
  await t.rejects(mine.acquire({ nodeset: "p0", ttlMs: 0n, reason: "" }), { name: "InvalidArgumentError" });
  t.same(await mine.release({ id: lease.id, force: true }), { released: true });
  t.same(await mine.release({ id: lease.id, force: false }), { released: false });
});

t.test("a job started by a person runs, is followed from any offset and cancelled", async (t) => {
  const lab = await startTestController(t);
  const p0 = await lab.agent("p0");
  p0.jobs.play = (job) => job.print("hello\n");
  const command = lab.clientFor(CommandServiceService);
  const start = { node: "p0", jobId: "j1", argv: ["sh"], cwd: "", env: {}, stdin: Buffer.alloc(0), timeoutMs: 0, fence: undefined };
  t.match(await command.startJob(start), { state: "running" });
  t.ok(p0.jobs.started.get("j1")?.request.fence?.epoch, "the agent got a fence");
  const following = command.followJob({ node: "p0", jobId: "j1", stdoutOffset: 1n, stderrOffset: 0n })[Symbol.asyncIterator]();
  t.match(await following.next(), { value: { event: { $case: "stdout", value: { offset: 1n, data: Buffer.from("ello\n") } } } });
  t.match(await command.cancelJob({ node: "p0", jobId: "j1", graceMs: 0 }), { state: "cancelled" });
  t.match(await following.next(), { value: { event: { $case: "ended", value: { state: "cancelled" } } } });
});

t.test("a file is written under a lease of its own, its bytes passed on as they come", async (t) => {
  const lab = await startTestController(t);
  const p0 = await lab.agent("p0");
  async function* upload(): AsyncGenerator<WriteRequest> {
    const header = { node: "p0", path: "/etc/motd", mode: 0, sha256: "", inPlace: false, fence: undefined };
    yield { request: { $case: "header", value: header } };
    yield { request: { $case: "data", value: Buffer.from("wel") } };
    yield { request: { $case: "data", value: Buffer.from("come") } };
  }
  const file = lab.clientFor(FileServiceService);
  t.match(await file.write(upload()), { exists: true, sizeBytes: 7n });
  t.equal(p0.files.get("/etc/motd")?.toString(), "welcome");
  t.same(await file.list({ node: "p0", path: "/etc" }), { names: ["motd"] });
  async function* headless(): AsyncGenerator<WriteRequest> {
    yield { request: { $case: "data", value: Buffer.from("x") } };
  }
  await t.rejects(file.write(headless()), { name: "InvalidArgumentError" });
});

t.test("whoever attaches to a console is who the certificate says", async (t) => {
  const lab = await startTestController(t);
  const rack1 = await lab.agent("rack1");
  const requests = new BoundedQueue<AttachRequest>(4);
  const events = lab.clientFor(ConsoleServiceService).attach(requests)[Symbol.asyncIterator]();
  requests.offer({ request: { $case: "open", value: { node: "p0", steal: false, who: "somebody else" } } });
  t.match(await events.next(), { value: { event: { $case: "granted" } } });
  t.equal(rack1.console("p0").writer, "ada");
  requests.offer({ request: { $case: "data", value: Buffer.from("help\r") } });
  t.match(await events.next(), { value: { event: { $case: "acceptedBytes", value: 5n } } });
  t.equal(Buffer.concat(rack1.console("p0").written).toString(), "help\r");
  requests.close();
  t.equal((await events.next()).done, true);
});

t.test("consoles are listed with what their site says, or that it is away", async (t) => {
  const lab = await startTestController(t);
  const consoles = lab.clientFor(ConsoleServiceService);
  t.match((await consoles.listConsoles({})).consoles, [
    { node: "p0", state: "down", reason: "site agent rack1 is not connected" },
    { node: "m0", state: "down" },
  ]);
  const rack1 = await lab.agent("rack1");
  rack1.console("p0").print("abc");
  await lab.controller.nodes.node("p0").console?.extent();
  t.match((await consoles.listConsoles({})).consoles[0], { node: "p0", state: "up", endOffset: 3n });
  const follow = { node: "p0", from: { $case: "offset" as const, value: 1n }, live: false, untilOffset: 0n };
  const events = [];
  for await (const { event } of consoles.follow(follow)) events.push(event);
  t.match(events[0], { $case: "data", value: { offset: 1n, data: Buffer.from("bc") } });
});

t.test("boot entries are changed under a lease, and read without", async (t) => {
  const lab = await startTestController(t);
  const p0 = await lab.agent("p0");
  await lab.leases.acquire({ nodes: ["p0"], owner: "ci", reason: "nightly", ttlMs: 60_000 });
  const boot = lab.clientFor(BootServiceService);
  t.match(await boot.listEntries({ node: "p0" }), { defaultEntry: "linux" });
  await t.rejects(boot.bootOnce({ node: "p0", id: "lego", fence: undefined }), { name: "ConflictError" });
  t.equal(p0.nextEntry, "");
});
