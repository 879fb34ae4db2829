/** Agents die while a deployment runs. What they had begun goes on or is found again; what was not seen is told as such. */
import t, { type Test } from "tap";
import { until } from "../support/host/processes.js";
import { captured } from "../support/whole-lab/captured.js";
import { legoPair } from "../support/whole-lab/inventories.js";
import { jobs, powerLog, runningJobs, serialLog } from "../support/whole-lab/machine-records.js";
import { runEvent } from "../support/whole-lab/run-events.js";
import { WholeLab } from "../support/whole-lab/whole-lab.js";

/** A busy machine takes three times as long as an idle one; who waits for what will not come waits in vain anyway. */
const withinMs = 180_000;

t.test("a build goes on without the agent that started it, and is found again by the one that comes after it", async (t) => {
  const whole = await WholeLab.start(t, { inventory: legoPair, speedUp: 10 });
  const id = await deploy(whole);
  await until(async () => (await runningJobs(whole.directory, "m0")).includes("make -j12"), "the build", { withinMs });
  await whole.killNodeAgent("m0");
  t.match(await outcome(whole, id), { state: "succeeded", failure: undefined });
  t.equal((await jobs(whole.directory, "m0")).filter((each) => each === "make -j12").length, 1);
  t.match((await serialLog(whole.directory, "m0")).toString("latin1"), /LegoOS version .* #1 SMP /, "it was built once");
});

t.test("a site agent that dies between off and on switches the machines on when it is back, and nothing twice", async (t) => {
  const whole = await WholeLab.start(t, { inventory: legoPair, speedUp: 10, restful: true });
  const id = await deploy(whole);
  const areOff = async () => (await Promise.all(whole.nodes.map((node) => lastPower(whole, node)))).every((verb) => verb === "off");
  await until(areOff, "both machines to be off", { withinMs });
  await whole.killSiteAgent();
  await whole.startSiteAgent();
  t.match(await outcome(whole, id), { state: "succeeded", failure: undefined });
  for (const node of whole.nodes) {
    t.same(await powerLog(whole.directory, node), ["on", "off", "on"], `${node}: one cycle`);
    t.match((await captured(whole.connection, node)).gaps, [{ cause: "agent-down" }], `${node}: the log tells when nobody listened`);
  }
});

t.test("lines that nobody heard are not proof: the run fails and names the gap they may be in", async (t) => {
  const whole = await WholeLab.start(t, { inventory: legoPair, speedUp: 10 });
  const id = await deploy(whole);
  await runEvent(whole, id, ({ event }) => event?.$case === "evidence" && event.value.step === "boot/p0");
  await whole.killSiteAgent();
  await until(async () => (await serialLog(whole.directory, "p0")).includes("FIT_LOCAL_ID"), "p0 to come as far as FIT", { withinMs });
  await whole.startSiteAgent();
  const { state, failure } = await outcome(whole, id);
  t.equal(state, "failed");
  t.match(failure, { blame: "lab", cause: /bytes lost, agent-down/, step: /^boot\// });
  for (const node of whole.nodes) {
    await onlyTheGapIsMissing(t, whole, node);
  }
  const { nodes } = await whole.connection.nodes.listNodes({ nodeset: "", probePower: false });
  t.match(nodes, [{ leaseOwner: "" }, { leaseOwner: "" }], "the nodes are free");
});

async function deploy(whole: WholeLab): Promise<string> {
  return (
    await whole.connection.deployments.startRun({ deployment: "lego-1p1m", direction: "deploy", parameters: {}, exercise: "", request: {} })
  ).id;
}

/** The run when it has ended. */
async function outcome(whole: WholeLab, id: string) {
  await runEvent(whole, id, ({ event }) => event?.$case === "ended");
  return whole.connection.deployments.getRun({ id });
}

async function lastPower(whole: WholeLab, node: string): Promise<string | undefined> {
  return (await powerLog(whole.directory, node)).at(-1);
}

/** What was captured is what came before the gap and what came after it. */
async function onlyTheGapIsMissing(t: Test, whole: WholeLab, node: string): Promise<void> {
  const { bytes, gaps } = await captured(whole.connection, node);
  const sent = await serialLog(whole.directory, node);
  t.match(gaps, [{ cause: "agent-down" }], `${node}: the log tells when nobody listened`);
  const at = Number(gaps[0]?.offset);
  t.ok(bytes.length < sent.length, `${node}: bytes are missing`);
  t.ok(bytes.subarray(0, at).equals(sent.subarray(0, at)), `${node}: all that came before`);
  t.ok(bytes.subarray(at).equals(sent.subarray(sent.length - (bytes.length - at))), `${node}: all that came after`);
}
