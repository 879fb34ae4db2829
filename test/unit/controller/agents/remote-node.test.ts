import t from "tap";
import type { ConsoleEvent } from "../../../../controller/ports.js";
import { sleep } from "../../../../proto/base/clock.js";
import { CancelledError, UnreachableError } from "../../../../proto/base/errors.js";
import { openAgentLab } from "../../../support/agent/agent-lab.js";
import { FakeClock } from "../../../support/fake-clock.js";

const fence = { leaseId: "lease-1", epoch: 1n };

t.test("power goes to the site agent, everything else to the node's own", async (t) => {
  const lab = await openAgentLab(t);
  const [rack1, p0] = [await lab.agent("rack1"), await lab.agent("p0")];
  const node = lab.nodes.node("p0");
  t.same(await node.power.read(), { state: "off", fault: false, lastEvent: "", asks: "", hold: "" });
  const first = await node.power.set("on", { fence, key: "k1", deadlineMs: 1000, queueMs: 60_000 });
  t.match(first, { before: "off", after: "on", acted: true, replayed: false });
  t.match(await node.power.set("on", { fence, key: "k1", deadlineMs: 1000, queueMs: 60_000 }), { acted: true, replayed: true });
  t.same(rack1.acts, ["power on p0"]);
  t.match(await node.facts(), { kernel: "Linux", memoryBytes: 8 * 2 ** 30, disks: [{ mount: "/", sizeBytes: 100, freeBytes: 50 }] });
  t.same(await node.reboot({ fence }), { oldBootId: "boot-1" });
  t.same(p0.acts, ["reboot p0"]);
  t.equal(node.agentConnected, true);
});

t.test("a power act whose connection breaks is asked for again under its key, and done once", async (t) => {
  const lab = await openAgentLab(t);
  const rack1 = await lab.agent("rack1");
  rack1.onPower = async () => {
    rack1.onPower = async () => {};
    lab.registry.connected("rack1")?.channel.close();
  };
  const node = lab.nodes.node("p0");
  t.match(await node.power.set("cycle", { fence, key: "k1", deadlineMs: 10_000, queueMs: 60_000 }), {
    after: "on",
    acted: true,
    replayed: true,
  });
  t.same(rack1.acts, ["power cycle p0"]);
});

t.test("a power act whose agent stays away ends in time, and says that it may be done", async (t) => {
  const clock = new FakeClock();
  const lab = await openAgentLab(t, { clock });
  const rack1 = await lab.agent("rack1");
  await until(() => lab.registry.connected("rack1") !== undefined);
  rack1.onPower = async () => void rack1.stop();
  const end = lab.nodes
    .node("p0")
    .power.set("on", { fence, key: "k1", deadlineMs: 5_000, queueMs: 10_000 })
    .catch((error: unknown) => error);
  let over = false;
  void end.then(() => (over = true));
  await until(() => lab.registry.connected("rack1") === undefined);
  for (let s = 0; !over && s < 120; s += 1) await clock.advance(1000);
  t.match(await end, {
    code: "unreachable",
    message: "node p0: power on: the connection to its agent broke, and it has not come back; the act may be done: see lab power status p0",
  });
});

t.test("a power act may wait for each of its turns, and is heard to its end", async (t) => {
  const clock = new FakeClock();
  const lab = await openAgentLab(t, { clock });
  const rack1 = await lab.agent("rack1");
  const queueMs = 10 * 60_000;
  let asked = false;
  rack1.onPower = async () => {
    asked = true;
    // Off has waited, the machine has rested, on has waited.
    await sleep(clock, 3 * queueMs + 60_000);
  };
  const act = lab.nodes.node("p0").power.set("cycle", { fence, key: "k1", deadlineMs: 60_000, queueMs });
  await until(() => asked);
  await clock.advance(3 * queueMs + 60_000);
  t.match(await act, { after: "on", acted: true, replayed: false });
});

t.test("an agent that does not reach its device is not asked twice", async (t) => {
  const lab = await openAgentLab(t);
  const rack1 = await lab.agent("rack1");
  let asked = 0;
  rack1.onPower = async () => {
    asked += 1;
    throw new UnreachableError("bmc 10.0.1.10: no answer");
  };
  await t.rejects(lab.nodes.node("p0").power.set("on", { fence, key: "k1", deadlineMs: 5_000, queueMs: 10_000 }), {
    message: "bmc 10.0.1.10: no answer",
  });
  t.equal(asked, 1);
});

t.test("boot entries and the next boot are the agent's", async (t) => {
  const lab = await openAgentLab(t);
  const p0 = await lab.agent("p0");
  const { boot } = lab.nodes.node("p0");
  const entry = { id: "lego", title: "LegoOS", kernel: "/vmlinuz-P", initrd: "", arguments: "memmap=2G$4G", linux16: true };
  await boot.putEntry(entry, { fence });
  t.match(await boot.bootOnce("lego", { fence }), { nextEntry: "lego", entries: [{ ...entry, managed: true }] });
  t.match(await boot.removeEntry("lego", { fence }), { entries: [] });
  t.equal(p0.nextEntry, "lego");
});

t.test("files are written whole and read back, larger than a message", async (t) => {
  const lab = await openAgentLab(t);
  const p0 = await lab.agent("p0");
  const { files } = lab.nodes.node("p0");
  const contents = Buffer.alloc(300_000, "x");
  t.match(await files.write("/boot/image", contents, { fence }), { kind: "file", sizeBytes: 300_000 });
  t.same(p0.files.get("/boot/image"), contents);
  t.same(Buffer.from(await files.read("/boot/image")), contents);
  await t.rejects(files.read("/boot/image", { limitBytes: 1000 }), { name: "ExhaustedError" });
  await t.rejects(files.read("/nothing"), { name: "NotFoundError" });
  t.equal(await files.stat("/nothing"), undefined);
  t.equal(await files.remove("/boot/image", { fence }), true);
});

t.test("a command runs to its end, its lines told as they come", async (t) => {
  const lab = await openAgentLab(t);
  const p0 = await lab.agent("p0");
  p0.jobs.play = (job) => {
    job.print("CC main.o\nLD vm");
    job.print("linux\nlast line without end");
    job.print("warning: unused\n", "stderr");
    job.exit(2);
  };
  const lines: string[] = [];
  const request = { jobId: "j1", argv: ["make", "all"], cwd: "/root", env: { V: "1" }, timeoutMs: 1000 };
  const result = await lab.nodes.node("p0").run(request, { fence, onLine: (line, stream) => lines.push(`${stream}: ${line}`) });
  t.match(result, { state: "exited", exitCode: 2, signal: undefined, stderr: "warning: unused\n" });
  t.equal(result.stdout, "CC main.o\nLD vmlinux\nlast line without end");
  t.same(lines.sort(), ["stderr: warning: unused", "stdout: CC main.o", "stdout: LD vmlinux", "stdout: last line without end"]);
  t.match(p0.jobs.started.get("j1")?.request, { argv: ["make", "all"], cwd: "/root", env: { V: "1" } });
});

t.test("a command survives the loss of its connection: nothing started twice, no output lost or repeated", async (t) => {
  const lab = await openAgentLab(t);
  const p0 = await lab.agent("p0");
  p0.jobs.play = (job) => job.print("one\n");
  const lines: string[] = [];
  const request = { jobId: "j1", argv: ["make"], cwd: "", env: {}, timeoutMs: 0 };
  const running = lab.nodes.node("p0").run(request, { fence, onLine: (line) => lines.push(line) });
  await until(() => lines.length === 1);
  const job = p0.jobs.started.get("j1");
  lab.registry.connected("p0")?.channel.close();
  job?.print("two\n");
  await until(() => lines.length === 2);
  lab.registry.connected("p0")?.channel.close();
  job?.print("three\n");
  job?.exit(0);
  t.match(await running, { state: "exited", exitCode: 0, stdout: "one\ntwo\nthree\n" });
  t.same(lines, ["one", "two", "three"]);
  t.equal(p0.jobs.started.size, 1);
});

t.test("an abort cancels the job and throws its reason", async (t) => {
  const lab = await openAgentLab(t);
  const p0 = await lab.agent("p0");
  p0.jobs.play = (job) => job.print("started\n");
  const stop = new AbortController();
  const request = { jobId: "j1", argv: ["make"], cwd: "", env: {}, timeoutMs: 0 };
  const onLine = () => stop.abort(new CancelledError("Ctrl-C"));
  await t.rejects(lab.nodes.node("p0").run(request, { fence, onLine, signal: stop.signal }), { message: "Ctrl-C" });
  t.equal(p0.jobs.started.get("j1")?.end?.state, "cancelled");
});

t.test("a job the agent has forgotten is lost, not run again", async (t) => {
  const lab = await openAgentLab(t);
  const p0 = await lab.agent("p0");
  let plays = 0;
  p0.jobs.play = (job) => {
    plays += 1;
    job.print("half\n");
  };
  const seen: string[] = [];
  const request = { jobId: "j1", argv: ["make"], cwd: "", env: {}, timeoutMs: 0 };
  const running = lab.nodes.node("p0").run(request, { fence, onLine: (line) => seen.push(line) });
  await until(() => seen.length === 1);
  p0.jobs.started.clear();
  lab.registry.connected("p0")?.channel.close();
  t.match(await running, { state: "lost", stdout: "half\n" });
  t.equal(plays, 1);
});

t.test("an agent that stays away ends the wait with an error that names node and job", async (t) => {
  const lab = await openAgentLab(t, { reconnectMs: 50 });
  const p0 = await lab.agent("p0");
  p0.jobs.play = (job) => job.print("half\n");
  // It may take longer than 50 ms to come, but not to come back.
  await until(() => lab.registry.connected("p0") !== undefined);
  const seen: string[] = [];
  const request = { jobId: "j1", argv: ["make"], cwd: "", env: {}, timeoutMs: 0 };
  const running = lab.nodes.node("p0").run(request, { fence, onLine: (line) => seen.push(line) });
  await until(() => seen.length === 1);
  void p0.stop();
  await t.rejects(running, {
    name: "UnreachableError",
    message: /node p0: lost while "make" \(job j1\) ran there: agent p0: not connected/,
  });
});

t.test("a console is followed over broken connections: no byte missing, none twice, marks told once", async (t) => {
  const lab = await openAgentLab(t);
  const rack1 = await lab.agent("rack1");
  const line = rack1.console("p0");
  line.print("history ");
  line.gap("line-down");
  const feed = lab.nodes.node("p0").console;
  const stop = new AbortController();
  const events: ConsoleEvent[] = [];
  const following = (async () => {
    for await (const event of feed?.follow(0n, { signal: stop.signal }) ?? []) events.push(event);
  })().catch((error: unknown) => error);
  await until(() => events.some((each) => each.kind === "live"));
  lab.registry.connected("rack1")?.channel.close();
  line.print("live ");
  await until(() => text(events).endsWith("live "));
  lab.registry.connected("rack1")?.channel.close();
  line.print("again");
  await until(() => text(events).endsWith("again"));
  stop.abort();
  await following;
  t.equal(text(events), "history live again");
  t.same(
    events.map((each) => each.kind),
    ["data", "gap", "live", "data", "data"],
  );
  t.match(await feed?.extent(), { state: "up", endOffset: 18n, lastByteMs: 0 });
});

t.test("what the inventory does not give a node is refused in those words", async (t) => {
  const lab = await openAgentLab(t);
  const board = lab.nodes.node("board");
  await t.rejects(board.power.read(), { name: "UnsupportedError", message: /neither a bmc nor another way/ });
  await t.rejects(board.facts(), { name: "UnsupportedError", message: /no agent/ });
  t.equal(board.console, undefined);
  t.throws(() => lab.nodes.node("p9"), { name: "NotFoundError", message: /did you mean "p0"/ });
});

function text(events: readonly ConsoleEvent[]): string {
  return events.map((each) => (each.kind === "data" ? Buffer.from(each.data).toString("latin1") : "")).join("");
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 5));
}
