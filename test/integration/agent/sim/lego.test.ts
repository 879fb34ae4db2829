import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pino from "pino";
import t, { type Test } from "tap";
import { formatEnvironmentBlock } from "../../../../agent/sim/machine/environment-block.js";
import { listenForTools } from "../../../../agent/sim/machine/machine-socket.js";
import type { SimulatedNode } from "../../../../agent/sim/simulated-node.js";
import { startSimulator } from "../../../../agent/sim/simulator.js";
import { parseLab } from "../../../../inventory/load.js";
import { sleep, systemClock } from "../../../../proto/base/clock.js";

const inventory = `
lab: sim
agents:
  site: { site: true }
nodes:
  p0: { address: 10.0.0.1, console: { tcp: "h:1", line: ttyS1, via: site }, sim: { lid: 42, post: 1, linux: 3.11.1 } }
  m0: { address: 10.0.0.2, console: { tcp: "h:2", line: ttyS1, via: site }, sim: { lid: 23, post: 1, linux: 3.11.1 } }
  s0: { address: 10.0.0.3, console: { tcp: "h:3", line: ttyS1, via: site }, sim: { lid: 8, post: 1, linux: 3.11.1 } }
`;
/** Real-machine milliseconds per millisecond. */
const speedUp = 30;
const source = "root/LegoOS";
const sockets = mkdtempSync(join(tmpdir(), "labd-"));
const names = '{\n\t[0]\t=\t"node0",\n\t[1]\t=\t"node1",\n\t[2]\t=\t"node2",\n}';
const machines =
  '{\n[0] = { .hostname = "node0", .lid = 42, },\n[1] = { .hostname = "node1", .lid = 23, },\n[2] = { .hostname = "node2", .lid = 8, },\n}';

/** Runs a stand-in tool as a node's agent would: found in the node's /usr/local/bin, standing in a directory of its disk. */
async function run(node: SimulatedNode, index: number, cwd: string, name: string, ...argv: readonly string[]) {
  const child = spawn(join(node.rootDirectory, "usr/local/bin", name), argv, {
    cwd: join(node.rootDirectory, cwd),
    env: { LABD_SIM_ROOT: node.rootDirectory, LABD_SIM_SOCKET: join(sockets, String(index)), PATH: process.env["PATH"] },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (data: Buffer) => void (stdout += data.toString()));
  child.stderr.on("data", (data: Buffer) => void (stderr += data.toString()));
  const [exitCode] = (await once(child, "close")) as [number | null];
  return { exitCode, stdout, stderr };
}

function edit(node: SimulatedNode, path: string, change: (text: string) => string): void {
  const file = join(node.rootDirectory, source, path);
  writeFileSync(file, change(readFileSync(file, "utf8")));
}

const setTable = (text: string) =>
  text
    .replace(/(hostnames\[CONFIG_FIT_NR_NODES\] = )\{[^}]*\}/, `$1${names}`)
    .replace(/(WUKLAB_CLUSTER\[\] = )\{[^]*?\n\}/, `$1${machines}`);

async function buildManager(t: Test, node: SimulatedNode, index: number, id: number, component: string): Promise<void> {
  await run(node, index, source, "make", "defconfig");
  const symbols = [`COMP_${component}=y`, `FIT_LOCAL_ID=${id}`, "FIT_NR_NODES=3", "DEFAULT_MEM_NODE=1", "DEFAULT_STORAGE_NODE=2"];
  edit(node, ".config", (text) => `${text}${symbols.map((symbol) => `CONFIG_${symbol}\n`).join("")}# CONFIG_USE_RAMFS is not set\n`);
  await run(node, index, source, "make", "olddefconfig");
  edit(node, "net/lego/fit_machine.c", setTable);
  edit(node, "managers/processor/core.c", (text) =>
    text.replace("\treturn do_execve(", '\tinit_filename = "/bin/echo";\n\targv_init[1] = "k7-93ac";\n\treturn do_execve('),
  );
  const made = await run(node, index, source, "make", "-j4");
  t.equal(made.exitCode, 0, made.stderr);
  t.match(made.stdout, "bzImage is ready");
  t.equal((await run(node, index, source, "make", "install")).exitCode, 0);
}

/** As the agent does it: an entry of its own, once. */
function armBoot(node: SimulatedNode, kernelArguments: string): void {
  const grub = join(node.rootDirectory, "boot/grub2");
  writeFileSync(join(grub, "custom.cfg"), `menuentry 'LegoOS' --id lego {\n\tlinux16 /boot/vmlinuz-4.0.0-lego+ ${kernelArguments}\n}\n`);
  const environment = new Map([
    ["saved_entry", "gnulinux-3.11.1-advanced"],
    ["next_entry", "lego"],
  ]);
  writeFileSync(join(grub, "grubenv"), formatEnvironmentBlock(environment));
}

async function seen(t: Test, node: SimulatedNode, text: string): Promise<boolean> {
  for (let waited = 0; waited < 15_000; waited += 50) {
    if (readFileSync(node.serialLog, "latin1").includes(text)) return true;
    await sleep(systemClock, 50);
  }
  t.comment(readFileSync(node.serialLog, "latin1").split("\n").slice(-12).join("\n"));
  return false;
}

t.test("built by real processes and booted by the machines, 1P-1M-1S runs the storage node's program", async (t) => {
  const parsed = parseLab(inventory, "lab.yaml");
  if (!("lab" in parsed)) throw new Error(JSON.stringify(parsed.problems));
  const simulator = await startSimulator({
    lab: parsed.lab,
    stateDirectory: t.testdir(),
    speedUp,
    agentProgram: undefined,
    clock: systemClock,
    log: pino({ level: "silent" }),
  });
  const { nodes } = simulator;
  const tools = await Promise.all(
    nodes.map((node, index) => listenForTools(join(sockets, String(index)), (request) => node.machine.onToolRequest(request))),
  );
  t.teardown(async () => {
    await simulator.close();
    for (const socket of tools) await socket.close();
    rmSync(sockets, { recursive: true, force: true });
  });
  const [p0, m0, s0] = nodes;
  if (p0 === undefined || m0 === undefined || s0 === undefined) throw new Error("three nodes");
  for (const node of nodes) t.ok(await seen(t, node, "login:"), `${node.name} is in Linux`);

  edit(s0, "linux-modules/fit/fit_machine.c", setTable);
  const modules = run(s0, 2, `${source}/linux-modules`, "make");
  await Promise.all([buildManager(t, p0, 0, 0, "PROCESSOR"), buildManager(t, m0, 1, 1, "MEMORY")]);
  t.equal((await modules).exitCode, 0, (await modules).stderr);
  armBoot(p0, "memmap=2G$4G".replace("$", "\\$"));
  armBoot(m0, "");
  await Promise.all([p0.machine.act("cycle"), m0.machine.act("cycle")]);
  for (const node of [p0, m0]) t.ok(await seen(t, node, "fit: Please wait for enough IB MAD"), `${node.name} waits for the subnet manager`);
  const fit = await run(s0, 2, `${source}/linux-modules/fit`, "insmod", "fit.ko");
  t.equal(fit.exitCode, 0, fit.stderr);
  t.match((await run(s0, 2, "/", "dmesg")).stdout, "FIT layer done with all initialization on node 2. Ready to go!");
  t.equal((await run(s0, 2, `${source}/linux-modules/storage`, "insmod", "storage.ko")).exitCode, 0);
  t.match((await run(s0, 2, "/", "pgrep", "-x", "lego-storaged")).stdout, /^\d+$/m);
  t.ok(await seen(t, m0, "Manager is up and running."));
  t.ok(await seen(t, p0, "STDOUT: ---[\r\nk7-93ac\r\n"), "the program's argument is on P's serial line");
});
