/** A deployment outlives its controller, whenever that dies: nothing that is done is done again, and nothing is forgotten. */
import t, { type Test } from "tap";
import { captured } from "../support/whole-lab/captured.js";
import type { RunEvent } from "../../proto/gen/lab/v1/deployment.js";
import { until } from "../support/host/processes.js";
import { CliProcess } from "../support/whole-lab/cli-process.js";
import { legoPair, legoTriple } from "../support/whole-lab/inventories.js";
import { jobs, powerLog, runningJobs, serialLog } from "../support/whole-lab/machine-records.js";
import { boundary, runEvent, runHistory } from "../support/whole-lab/run-events.js";
import { WholeLab } from "../support/whole-lab/whole-lab.js";

t.test(
  "deploys, kills the controller with SIGKILL at each step boundary in turn, and ends in succeeded with each power action done once",
  async (t) => {
    // LegoOS gives its nodes about a minute to find each other, and here the controller dies five times in it: machines that are not
    // much faster than iron, and more patience between them, as the facts sheet advises (facts: LegoOS §7).
    const whole = await WholeLab.start(t, { inventory: legoTriple, speedUp: 2 });
    await killedAtEveryBoundary(t, whole, "deploy", { fitInitialSleepS: "60" });
    for (const node of ["p0", "m0"]) t.same(await powerLog(whole.directory, node), ["on", "off", "on"], `${node}: one cycle`);
    t.same(await powerLog(whole.directory, "s0"), ["on"], "s0: none");
    await actsDoneOnce(t, whole);
    await killedAtEveryBoundary(t, whole, "undeploy");
    for (const node of ["p0", "m0"]) t.same(await powerLog(whole.directory, node), ["on", "off", "on", "off", "on"], `${node}: one more`);
    t.same(await powerLog(whole.directory, "s0"), ["on"], "s0: none, its agent has rebooted it");
    t.equal(bootsOf("s0", await serialLog(whole.directory, "s0")), 2, "once");
    await nothingMissed(t, whole);
  },
);

t.test(
  "whoever watches a deployment sees it through, though the controller dies in the middle of a build and of a power cycle",
  async (t) => {
    const whole = await WholeLab.start(t, { inventory: legoPair, speedUp: 10 });
    const { directory } = whole;
    const deploy = new CliProcess(t, directory.path, ["deploy", "lego-1p1m"]);
    await until(async () => (await runningJobs(directory, "m0")).includes("make -j12"), "the build", { withinMs: 60_000 });
    await restart(whole);
    await until(async () => (await powerLog(directory, "p0")).at(-1) === "off", "the power to be off", { withinMs: 60_000 });
    await restart(whole);
    const { exitCode, stdout, stderr } = await deploy.result(120_000);
    t.equal(exitCode, 0, stderr);
    t.match(stdout, /(resumed[^]*){2}ended +succeeded/);
    t.match(stderr, /the controller does not answer; trying again/);
    for (const node of whole.nodes) t.same(await powerLog(directory, node), ["on", "off", "on"], `${node}: one cycle`);
    await nothingMissed(t, whole);
  },
);

async function restart(whole: WholeLab): Promise<void> {
  await whole.killController();
  await whole.startController();
}

/** Runs the deployment; at every boundary of every step, when the API tells it, the controller is killed and started again. */
async function killedAtEveryBoundary(
  t: Test,
  whole: WholeLab,
  direction: "deploy" | "undeploy",
  parameters: Record<string, string> = {},
): Promise<void> {
  const { id, plan } = await whole.connection.deployments.startRun({
    deployment: "lego-1p1m1s",
    direction,
    parameters,
    exercise: "",
    request: {},
  });
  const killedAt: string[] = [];
  for (let next = 0n; ; ) {
    const event = await runEvent(whole, id, (each) => boundary(each) !== undefined, next);
    if (event === undefined) break;
    next = event.sequence + 1n;
    killedAt.push(boundary(event) ?? "");
    await restart(whole);
  }
  t.equal((await whole.connection.deployments.getRun({ id })).failure, undefined);
  const history = await runHistory(whole, id);
  t.match(history.at(-1), { event: { $case: "ended", value: "succeeded" } });
  const steps = plan?.steps.map((step) => step.id) ?? [];
  t.same([...killedAt].sort(), steps.flatMap((step) => [`began ${step}`, `succeeded ${step}`]).sort(), "killed at every boundary");
  // The last kill may find the run ended.
  const beforeLast = history.filter((event) => event.sequence < lastBoundary(history));
  t.equal(beforeLast.filter(({ event }) => event?.$case === "resumed").length, killedAt.length - 1, "and taken up after every kill");
}

function lastBoundary(history: readonly RunEvent[]): bigint {
  return history.filter((event) => boundary(event) !== undefined).at(-1)?.sequence ?? 0n;
}

/** What the agents were asked to run, and what the kernels that booted say of how often they were built. */
async function actsDoneOnce(t: Test, { directory }: WholeLab): Promise<void> {
  for (const node of ["p0", "m0"]) {
    const acts = (await jobs(directory, node)).filter((each) => /^make (?!--version)/.test(each));
    t.same(acts, ["make -j12", "make defconfig", "make install", "make olddefconfig"], `${node}: every act once`);
    t.match((await serialLog(directory, node)).toString("latin1"), /LegoOS version .* #1 SMP /, `${node}: one build`);
  }
  const acts = (await jobs(directory, "s0")).filter((each) => /^(insmod|make$)/.test(each));
  t.same(acts, ["insmod fit.ko", "insmod storage.ko", "make"], "s0: every act once");
}

function bootsOf(node: string, log: Buffer): number {
  return log.toString("latin1").split(`${node} login: `).length - 1;
}

/** The site agent captures whatever becomes of the controller. */
async function nothingMissed(t: Test, { directory, connection, nodes }: WholeLab): Promise<void> {
  for (const node of nodes) {
    const { bytes, gaps } = await captured(connection, node);
    t.same(gaps, [], `${node}: its serial line was captured all the time`);
    t.ok(bytes.equals(await serialLog(directory, node)), `${node}: every byte of it, once`);
  }
}
