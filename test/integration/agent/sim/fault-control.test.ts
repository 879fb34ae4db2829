/** `lab sim faults`, `fault` and `heal`, as typed, against a simulation that runs. */
import { existsSync } from "node:fs";
import { mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import t, { type Test } from "tap";
import { freePorts } from "../../../../controller/cli/local/free-ports.js";
import { startSimulator } from "../../../../agent/sim/simulator.js";
import { loadLab } from "../../../../inventory/load.js";
import { systemClock } from "../../../../proto/base/clock.js";
import { silentLogger } from "../../../../proto/base/logger.js";
import { scratchDirectory } from "../../../support/host/scratch.js";
import { CliProcess } from "../../../support/whole-lab/cli-process.js";

async function bench(t: Test) {
  // Longer than the path of a socket may be.
  const directory = join(await scratchDirectory(t), "a-directory-with-a-long-name".repeat(5));
  await mkdir(directory, { recursive: true });
  process.env["LABD_TEST_PASSWORD"] = "secret";
  const [port] = await freePorts(1);
  const inventory = join(directory, "lab.yaml");
  await writeFile(
    inventory,
    `lab: bench
agents: { site: { site: true } }
nodes:
  p0:
    bmc: { address: 127.0.0.1, port: ${port}, user: admin, password: { env: LABD_TEST_PASSWORD }, via: site }
    sim: { power: "off", bmcFaults: [duplicate] }
  board: { sim: { power: "off" } }
`,
  );
  const lab = loadLab(inventory);
  const options = { speedUp: 100, agentProgram: undefined, clock: systemClock, log: silentLogger };
  const simulator = await startSimulator({ ...options, lab, stateDirectory: join(directory, "sim") });
  t.teardown(() => simulator.close());
  const faultsOf = (name: string) => simulator.nodes.find((node) => node.name === name)?.bmc?.faults.texts;
  return { directory, simulator, faultsOf, lab: (...args: string[]) => new CliProcess(t, directory, args).result() };
}

t.test("faults begin and end in a simulation that runs, and are listed with what they do", async (t) => {
  const { lab, faultsOf } = await bench(t);
  const listed = await lab("sim", "faults");
  t.match(listed, { exitCode: 0, stderr: "" });
  t.match(listed.stdout, /^FAULT +WHAT IT DOES\n/);
  t.match(listed.stdout, /^drop=20% +loses a share of all datagrams/m);
  t.match(listed.stdout, /^p0: duplicate=30%$/m);
  t.notMatch(listed.stdout, /^board:/m, "it has no BMC");

  t.match(await lab("sim", "fault", "p0", "drop=30%", "lie-on-deactivate=inactive"), {
    exitCode: 0,
    stdout: "p0: duplicate=30% drop=30% lie-on-deactivate=inactive\n",
  });
  t.same(faultsOf("p0"), ["duplicate=30%", "drop=30%", "lie-on-deactivate=inactive"]);
  t.match(await lab("sim", "heal", "p0", "drop=30%", "duplicate"), { exitCode: 0, stdout: "p0: lie-on-deactivate=inactive\n" });
  const told = await lab("--json", "sim", "fault", "p0");
  t.same(JSON.parse(told.stdout), { nodes: [{ node: "p0", faults: ["lie-on-deactivate=inactive"] }] });
  t.match(await lab("sim", "heal", "p0"), { exitCode: 0, stdout: "p0: its BMC is sound\n" });
  t.same(faultsOf("p0"), []);
});

t.test("what is not understood changes nothing and says what was meant", async (t) => {
  const { lab, faultsOf } = await bench(t);
  t.match(await lab("sim", "fault", "p0", "delay=1s", "dorp"), { exitCode: 2, stderr: /"dorp" is no fault.*did you mean drop\?/ });
  t.match(await lab("sim", "fault", "p1", "drop"), { exitCode: 2, stderr: /p1: is no simulated machine; did you mean p0\?/ });
  t.match(await lab("sim", "fault", "board", "drop"), { exitCode: 2, stderr: /board: has no BMC/ });
  t.match(await lab("sim", "heal", "p0", "duplicate", "overrum"), { exitCode: 2, stderr: /"overrum" is no fault.*overrun/ });
  t.same(faultsOf("p0"), ["duplicate=30%"]);
});

t.test("without a simulation the way to one is told; one that ended leaves no trace, one that was killed does not mislead", async (t) => {
  const { lab, simulator, directory } = await bench(t);
  await simulator.close();
  const control = join(directory, "sim", "control");
  t.notOk(existsSync(control));
  const none = { exitCode: 5, stderr: /no simulation runs in .*; start one with: lab up INVENTORY --sim/ };
  t.match(await lab("sim", "faults"), none);
  await symlink(join("/tmp", "labd-gone", "control"), control);
  t.match(await lab("sim", "faults"), none);
});
