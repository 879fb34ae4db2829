/** Power without a BMC, through lab-agent as a process: a machine that restarts itself, one behind ssh, one switched by hand. */
import { existsSync, readFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import t, { type Test } from "tap";
import type { PowerAssignment, SiteNode } from "../../proto/gen/lab/v1/agent.js";
import { agentBench, ended, fence } from "../support/host/agent-process.js";
import { until } from "../support/host/processes.js";
import { noSshServer, openSshServer } from "../support/ssh/openssh-server.js";

function siteNode(node: string, means: PowerAssignment["means"], ssh?: SiteNode["ssh"]): SiteNode {
  return { node, power: { means }, ssh, bmc: undefined, console: undefined, safety: undefined };
}

const request = (verb: string, key: string) => ({ node: "p0", verb, key, fence, deadlineMs: 10_000, queueMs: 0 });

/** An agent with node duty over a directory; its reboot writes another boot id, then does `also`. */
async function itsOwnAgent(t: Test, also = "true") {
  const bench = await agentBench(t);
  const root = join(bench.directory, "root");
  const bootId = join(root, "proc/sys/kernel/random/boot_id");
  await mkdir(dirname(bootId), { recursive: true });
  await writeFile(bootId, "boot-0\n");
  const boots = join(bench.directory, "boots");
  const count = `echo x >> ${boots}; echo boot-$(wc -l < ${boots}) > ${bootId}`;
  const rebootCommand = ["/bin/sh", "-c", `${count}; ${also}`];
  const config = { node: true, root, rebootCommand, powerPollMs: 20, powerSettleMs: 20 };
  const booted = () => (existsSync(boots) ? readFileSync(boots, "utf8").trim().split("\n").length : 0);
  return { directory: bench.directory, start: () => bench.start({ config }), connected: () => bench.connected(), booted };
}

t.test("a machine without BMC is reset by its own agent, once a key; what it cannot do is refused before anything is done", async (t) => {
  const { start, connected, booted } = await itsOwnAgent(t);
  start();
  const clients = await connected();
  const assigned = await clients.agent.assignSite({ nodes: [siteNode("p0", { $case: "agent", value: {} })], groups: [] });
  t.match(assigned, { bmcs: 1, consoles: 0 });
  t.same((await clients.agent.describe({})).duties, ["node"], "it stands beside no hardware");
  t.match(await clients.power.getPower({ node: "p0" }), { state: "on", fault: false, asks: "" });
  t.match(await clients.power.setPower(request("reset", "r1")), { before: "on", after: "on", acted: true, replayed: false });
  t.match(await clients.power.setPower(request("reset", "r1")), { acted: true, replayed: true });
  t.equal(booted(), 1);
  t.match(await clients.power.setPower(request("on", "o1")), { acted: false });
  for (const verb of ["off", "cycle", "soft"]) {
    await t.rejects(clients.power.setPower(request(verb, verb)), {
      code: "unsupported",
      message: /operating system of p0: it can only be reset, not switched (off|soft); use reset, or its switch$/,
    });
  }
  t.equal(booted(), 1);
});

t.test("a reset takes the agent that does it along; the next one knows the key and does not reset again", async (t) => {
  const { start, connected, booted } = await itsOwnAgent(t, "kill -9 $PPID");
  const first = start();
  const before = await connected();
  await before.agent.assignSite({ nodes: [siteNode("p0", { $case: "agent", value: {} })], groups: [] });
  await t.rejects(before.power.setPower(request("reset", "r1")), { code: "unreachable" });
  await ended(first);
  start();
  const after = await connected();
  t.match(await after.power.setPower(request("reset", "r1")), { before: "on", after: "on", acted: true });
  t.equal(booted(), 1);
});

t.test("a machine behind ssh is asked through it", { skip: noSshServer ?? false }, async (t) => {
  const { directory, start, connected } = await itsOwnAgent(t);
  const remote = join(directory, "board");
  const bootId = join(remote, "proc/sys/kernel/random/boot_id");
  await mkdir(dirname(bootId), { recursive: true });
  await writeFile(bootId, "board-0\n");
  const server = await openSshServer(t, { LABD_ROOT: remote });
  const identity = join(directory, "root/key");
  await writeFile(identity, readFileSync(join(server.directory, "home/.ssh/id_ed25519")), { mode: 0o600 });
  start();
  const clients = await connected();
  const { address, port, user } = server.target;
  const ssh = { address, port, user, identity: "/key", hostKey: await server.hostKey() };
  await clients.agent.assignSite({ nodes: [siteNode("board", { $case: "agent", value: {} }, ssh)], groups: [] });
  t.match(await clients.power.getPower({ node: "board" }), { state: "on" });
  await clients.agent.assignSite({ nodes: [siteNode("board", { $case: "agent", value: {} })], groups: [] });
  await t.rejects(clients.power.getPower({ node: "board" }), {
    code: "unsupported",
    message: /operating system of board: this agent runs nothing there; start it with --node, or give the node ssh: /,
  });
});

t.test("power by hand is asked for and confirmed, over an agent's restart", async (t) => {
  const { start, connected } = await itsOwnAgent(t);
  const first = start();
  const before = await connected();
  await before.agent.assignSite({ nodes: [siteNode("m0", { $case: "manual", value: { note: "outlet 7" } })], groups: [] });
  t.same((await before.agent.describe({})).duties, ["node", "site"]);
  await t.rejects(before.power.getPower({ node: "m0" }), { code: "conflict", message: /lab power confirm m0 on\|off$/ });
  t.match(await before.power.confirmPower({ node: "m0", state: "on" }), { state: "on", asks: "" });
  const off = { ...request("off", "o1"), node: "m0" };
  const switching = before.power.setPower(off).catch((error: unknown) => error);
  await until(async () => (await before.power.getPower({ node: "m0" })).asks === "switch it off (outlet 7)", "the request");
  await ended(first, "SIGKILL");
  t.match(await switching, { code: "unreachable" });
  start();
  const after = await connected();
  const resumed = after.power.setPower(off);
  t.match(await after.power.getPower({ node: "m0" }), { state: "on", asks: "switch it off (outlet 7)" });
  t.match(await after.power.confirmPower({ node: "m0", state: "off" }), { state: "off", asks: "" });
  t.match(await resumed, { before: "on", after: "off", acted: true });
});
