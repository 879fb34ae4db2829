/**
 * What goes wrong in a lab, as whoever types the command sees it: one clear error that names node, step and cause, an exit code, free
 * nodes, and nothing left behind. Wrong recipes and kernels that panic: wrong-recipe.test.ts; controllers and agents that are killed:
 * controller-killed.test.ts and agents-killed.test.ts.
 */
import { spawnSync } from "node:child_process";
import { appendFileSync, existsSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import t, { type Test } from "tap";
import { until } from "../support/host/processes.js";
import { scratchDirectory } from "../support/host/scratch.js";
import { CliProcess } from "../support/whole-lab/cli-process.js";
import { legoPair, passwordVariable } from "../support/whole-lab/inventories.js";
import { runningJobs } from "../support/whole-lab/machine-records.js";
import { WholeLab } from "../support/whole-lab/whole-lab.js";

t.test("a malformed inventory: every problem at once, with its place and a way out", async (t) => {
  const directory = await scratchDirectory(t);
  const file = join(directory, "lab.yaml");
  const nodes = "  p0: { adress: 10.0.0.1, bmc: { address: 10.0.1.1, password: secret } }\n  m0: { bmc: { address: 10.0.1.1 } }\n";
  const deployment = "  d: { recipe: lego, roles: { memory: m1 } }\n";
  await writeFile(file, `lab: broken\nagents: { site: { site: true } }\nnodes:\n${nodes}deployments:\n${deployment}`);
  for (const command of [["inventory", "check"], ["up"]]) {
    const { exitCode, stdout, stderr } = await new CliProcess(t, directory, [...command, file]).result();
    t.equal(exitCode, 3, command.join(" "));
    for (const problem of [
      /lab\.yaml:4:9 +nodes\.p0\.adress: +unknown key; did you mean "address"\?/,
      /lab\.yaml:4:63 +nodes\.p0\.bmc\.password: +a secret is never written into an inventory/,
      /lab\.yaml:5:25 +nodes\.m0\.bmc\.address: +10\.0\.1\.1 is the BMC of p0's address already/,
      /lab\.yaml:7:39 +deployments\.d\.roles\.memory: .*not a node \(did you mean "m0"\?\)/,
    ])
      t.match(stdout + stderr, problem);
  }
});

t.test("in a lab of two machines", async (t) => {
  const lab = await WholeLab.start(t, { inventory: legoPair, speedUp: 20 });
  const root = (node: string) => join(lab.directory.simulation, node, "root");
  const command = (t: Test, ...args: string[]) => new CliProcess(t, lab.directory.path, args);
  /** Deploys in vain; resolves with what was said. The nodes are free when the command has ended. */
  const deployment = async (t: Test): Promise<string> => {
    const result = await command(t, "deploy", "lego-1p1m").result();
    t.equal(result.exitCode, 1);
    const said = result.stdout.replace(/^\d\d:\d\d:\d\d\.\d{3} /gm, "");
    t.equal(said.match(/^✗/gm)?.length, 1, "one failure is told");
    t.match(said, /^ +lab record \d{8}-\d{4}-\w+$/m);
    t.same((await lab.connection.leases.list({})).leases, []);
    t.match(result.stderr, /^lab: run \S+ ended failed: /);
    return said;
  };

  await t.test("a build that fails shows the compiler's last lines", async (t) => {
    const source = join(root("m0"), "root/LegoOS/managers/core.c");
    const whole = readFileSync(source, "utf8");
    appendFileSync(source, "#if\n");
    const said = await deployment(t);
    writeFileSync(source, whole);
    t.match(said, /✗ build\/m0 {2}m0 {2}"make -j12" did not do its work: make failed: exit code 2/);
    t.match(said, /^ {2}m0 ▏managers\/core\.c:\d+:.* error: .*$/m);
    t.match(said, /^ {2}m0 ▏make: \*{3} \[managers\] Error 2$/m);
  });

  const mountable = spawnSync("unshare", ["--mount", "true"]).status === 0;
  await t.test("a full disk", { skip: mountable ? false : "nothing can be mounted here" }, async (t) => {
    const directory = join(root("m0"), "root/LegoOS/usr");
    t.equal(spawnSync("mount", ["-t", "tmpfs", "-o", "size=64k", "tmpfs", directory]).status, 0);
    try {
      t.throws(() => writeFileSync(join(directory, "filler"), Buffer.alloc(128 * 1024)), { code: "ENOSPC" });
      const said = await deployment(t);
      t.match(
        said,
        /✗ configure\/m0 {2}m0 {2}\/root\/LegoOS\/usr\/labd_probe\.c: write: the disk is full, 0 bytes free; free some space and retry/,
      );
    } finally {
      t.equal(spawnSync("umount", [directory]).status, 0);
    }
  });

  await t.test("a wrong BMC password is named as such, not as a time-out", async (t) => {
    const right = process.env[passwordVariable];
    const restart = async (password: string | undefined) => {
      await lab.killController();
      process.env[passwordVariable] = password;
      await lab.startController();
      await lab.agentsConnected();
    };
    await restart("not the password");
    const { exitCode, stderr } = await command(t, "power", "status", "p0").result();
    t.equal(exitCode, 7);
    // Whoever asks first, the console or this, is refused; the other is told that it is not asked again.
    t.match(stderr, /^lab: p0: bmc 127\.0\.0\.1:\d+: .*different password or K_g; check both(?:; not tried again for 5 min.*)?$/m);
    await until(async () => /^p0 .*SOL {2}✗ down/m.test((await command(t, "nodes", "p0").result()).stdout), "the console to be down");
    const { consoles } = await lab.connection.consoles.listConsoles({});
    t.match(consoles, [{ reason: /different password or K_g/ }, { reason: /different password or K_g/ }]);
    const said = await deployment(t);
    t.match(said, /✗ check\/[pm]0 {2}[pm]0 {2}.*different password or K_g; check both/);
    t.match(said, /next +lab nodes/);
    await restart(right);
    await until(async () => (await command(t, "power", "status", "p0").result()).exitCode === 0, "the BMC of p0");
  });

  await t.test("a BMC that is silent: how long it was asked, and where to look", async (t) => {
    const goOn = lab.silenceMachines();
    try {
      const [{ exitCode, stderr }, said] = await Promise.all([command(t, "power", "status", "p0").result(), deployment(t)]);
      t.equal(exitCode, 5);
      t.match(
        stderr,
        /^lab: p0: bmc 127\.0\.0\.1:\d+: no answer to .*, sent \d times, in [\d.]+ s; it may be busy or restarting: try again$/m,
      );
      t.match(said, /✗ check\/[pm]0 {2}[pm]0 {2}.*waited 15\.0 s for power control answers and the node is on; last seen: .*/);
    } finally {
      goOn();
    }
    await until(async () => (await command(t, "power", "status", "p0").result()).exitCode === 0, "the BMC of p0");
  });

  await t.test("an agent lost in the middle of a job, with its machine", async (t) => {
    const job = command(t, "exec", "m0", "--", "sleep", "60");
    await until(async () => (await runningJobs(lab.directory, "m0")).includes("sleep 60"), "the job");
    t.equal((await command(t, "power", "off", "m0").result()).exitCode, 0);
    const { exitCode, stderr } = await job.result();
    t.equal(exitCode, 5);
    t.match(stderr, /node m0: lost while "sleep" \(job .*\) ran there: .*; a job outlives its agent, not its machine/);
  });

  places.push(lab.directory.path);
});

/** Where labs of this file have lived. */
const places: string[] = [];

t.test("when a lab has ended no process of it runs, so none of its ports is taken, and its files are gone", async (t) => {
  t.equal(places.length, 1);
  for (const place of places) {
    t.notOk(existsSync(place));
    t.same(processesAt(place), []);
  }
});

/** Command lines of processes that work in a directory, or were started with a path in it. */
function processesAt(place: string): string[] {
  return readdirSync("/proc").flatMap((name) => {
    try {
      const words = readFileSync(`/proc/${name}/cmdline`, "utf8").replaceAll("\0", " ");
      return words.includes(place) || readlinkSync(`/proc/${name}/cwd`).startsWith(place) ? [words] : [];
    } catch {
      return []; // No process, or one that has just ended.
    }
  });
}
