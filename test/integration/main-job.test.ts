/** The main job as people do it: every command is the real program, every daemon a process, every machine simulated behind its BMC. */
import t from "tap";
import { CliProcess, type CliResult } from "../support/whole-lab/cli-process.js";
import { captured } from "../support/whole-lab/captured.js";
import { legoPair, legoTriple } from "../support/whole-lab/inventories.js";
import { jobs, powerLog, serialLog } from "../support/whole-lab/machine-records.js";
import { WholeLab } from "../support/whole-lab/whole-lab.js";

/** LegoOS gives its nodes about a minute to find each other: ten seconds here, also on a busy machine. */
const speedUp = 6;
const deployWithinMs = 120_000;

t.test("LegoOS 1P-1M-1S is deployed, proven, looked at from all sides and taken back", async (t) => {
  const whole = await WholeLab.start(t, { inventory: legoTriple, speedUp });
  const lab = (...args: string[]) => new CliProcess(t, whole.directory.path, args).result(deployWithinMs);

  await t.test("a plan says what will be done and touches nothing", async (t) => {
    const plan = json(await lab("plan", "lego-1p1m1s", "--json")) as { nodes: string[]; steps: { id: string; evidence: string[] }[] };
    t.same(plan.nodes, ["p0", "m0", "s0"]);
    t.ok(plan.steps.length > 20 && plan.steps.every((step) => step.evidence.length > 0), "every step says what proves it");
    t.same(await jobs(whole.directory, "p0"), []);
  });

  await t.test("before, the nodes run Linux", async (t) => {
    const { nodes } = json(await lab("nodes", "--json")) as { nodes: { name: string; power: string; runs: string }[] };
    t.match(nodes, [
      { name: "p0", power: "on", runs: /^Linux 3\.10/, agentConnected: true, consoleState: "up" },
      { name: "m0", power: "on", runs: /^Linux 3\.10/, agentConnected: true, consoleState: "up" },
      { name: "s0", power: "on", runs: /^Linux 3\.11\.1/, agentConnected: true, consoleState: "up" },
    ]);
    t.match(await lab("exec", "s0", "--", "uname", "-r"), { exitCode: 0, stdout: "3.11.1\n", stderr: "" });
    t.match((await lab("boot", "list", "p0")).stdout, /^gnulinux.* default/m);
  });

  await t.test("a person at a console talks to the machine", async (t) => {
    const console = new CliProcess(t, whole.directory.path, ["console", "p0"]);
    await console.printed(/p0 login: /);
    console.type("\r");
    await console.printed(/p0 login: [^]*p0 login: $/);
    console.type("ada");
    await console.printed(/p0 login: ada$/);
    console.type("\r");
    await console.printed(/Password: $/);
    console.type("\r~.");
    t.match(await console.result(), { exitCode: 0 });
  });

  await t.test("deploy proves it", async (t) => {
    const { exitCode, stdout, stderr } = await lab("deploy", "lego-1p1m1s");
    t.equal(exitCode, 0, stderr);
    const [, nonce] = /printed its nonce (\S+)/.exec(stdout) ?? [];
    t.match(stdout, /^\S+ evidence {2}p0 {2}console @[\d,]+ {2}all CPUs are up {2}\[ +\d+\.\d+\] x86: Booted up 1 node/m);
    t.match(stdout, /^\S+ evidence {2}s0 {2}dmesg .* Ready to go!$/m);
    t.match(stdout, /^proven in .* pieces of evidence$/m);
    t.ok((await serialLog(whole.directory, "p0")).includes(`\nrun ${nonce}\r\n`), "the nonce is what p0 has printed");
    for (const node of ["p0", "m0"]) t.same(await powerLog(whole.directory, node), ["on", "off", "on"], `${node}: one cycle`);
    t.same(await powerLog(whole.directory, "s0"), ["on"]);
  });

  await t.test("afterwards its record, its nodes and its serial lines can be looked at", async (t) => {
    t.match((await lab("deployments")).stdout, /^lego-1p1m1s .*deploy succeeded/m);
    t.match((await lab("record", "lego-1p1m1s")).stdout, /succeeded/);
    const { nodes } = json(await lab("nodes", "--json")) as { nodes: unknown[] };
    t.match(nodes, [
      { name: "p0", power: "on", agentConnected: false, leaseOwner: "" },
      { name: "m0", power: "on", agentConnected: false, leaseOwner: "" },
      { name: "s0", power: "on", agentConnected: true, leaseOwner: "" },
    ]);
    const { stdout } = await lab("tail", "lego-1p1m1s", "-n", "100");
    t.match(stdout, /^\S+ p0 ▏\[ +\d+\.\d+\] Manager is up and running\.$/m);
    t.match(stdout, /^\S+ m0 ▏\[ +\d+\.\d+\] fit: FIT layer ready to go!$/m);
    t.match(await lab("exec", "p0", "--", "uname"), { exitCode: 5 }, "a machine that runs LegoOS has no agent");
  });

  await t.test("undeploy brings Linux back", async (t) => {
    const { exitCode, stderr } = await lab("undeploy", "lego-1p1m1s");
    t.equal(exitCode, 0, stderr);
    for (const node of ["p0", "m0"]) t.same(await powerLog(whole.directory, node), ["on", "off", "on", "off", "on"], `${node}: one more`);
    t.same(await powerLog(whole.directory, "s0"), ["on"], "s0 was rebooted by its agent");
    t.match(await lab("exec", "@all", "--", "uname", "-r"), { exitCode: 0 });
    t.match((await lab("boot", "list", "p0")).stdout, /^(?!.*labd-lego)/s, "nothing boots LegoOS any more");
  });

  await t.test("every byte of every serial line was captured, once", async (t) => {
    for (const node of whole.nodes) {
      const { bytes, gaps } = await captured(whole.connection, node);
      t.same(gaps, [], node);
      t.ok(bytes.equals(await serialLog(whole.directory, node)), node);
    }
  });
});

t.test("LegoOS 1P-1M runs the program linked into the memory manager's image", async (t) => {
  const whole = await WholeLab.start(t, { inventory: legoPair, speedUp });
  const lab = (...args: string[]) => new CliProcess(t, whole.directory.path, args).result(deployWithinMs);
  const { exitCode, stdout, stderr } = await lab("deploy", "lego-1p1m");
  t.equal(exitCode, 0, stderr);
  t.match(stdout, /printed its nonce/);
  t.match(await lab("undeploy", "lego-1p1m"), { exitCode: 0 });
  for (const node of whole.nodes) t.same(await powerLog(whole.directory, node), ["on", "off", "on", "off", "on"], node);
});

function json({ stdout, stderr }: CliResult): unknown {
  if (stdout === "") throw new Error(stderr);
  return JSON.parse(stdout);
}
