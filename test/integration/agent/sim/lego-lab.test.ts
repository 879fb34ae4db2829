/** LegoOS 1P-1M-1S by hand on simulated machines: real files, real tool processes, real boot loader, as a recipe will do it. */
import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { formatEnvironmentBlock, parseEnvironmentBlock } from "../../../../agent/sim/machine/environment-block.js";
import type { SimulatedNode } from "../../../../agent/sim/simulated-node.js";
import { startSimulator } from "../../../../agent/sim/simulator.js";
import { parseLab } from "../../../../inventory/load.js";
import { systemClock } from "../../../../proto/base/clock.js";
import { silentLogger } from "../../../../proto/base/logger.js";

const inventory = `
lab: bench
agents: { site: { site: true } }
defaults: { console: { file: /dev/null, line: ttyS1, via: site } }
nodes:
  p0: { sim: { lid: 42, post: 10, memory: 16G } }
  m0: { sim: { lid: 23, post: 10, memory: 16G } }
  s0: { sim: { lid: 8, post: 10, linux: 3.11.1 } }
`;

const tree = "root/LegoOS";
const deadlineMs = 60_000;

/** One of a node's programs, run as its agent would run it. */
function run(node: SimulatedNode, command: string): Promise<string> {
  const env = {
    PATH: `${join(node.rootDirectory, "usr/local/bin")}:${process.env["PATH"]}`,
    LABD_SIM_ROOT: node.rootDirectory,
    LABD_SIM_SOCKET: node.socketPath,
  };
  return new Promise((resolve, reject) => {
    execFile("sh", ["-ec", command], { cwd: join(node.rootDirectory, tree), env, timeout: deadlineMs }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout);
      else reject(new Error(`${node.name}: ${command}: ${stderr || error.message}`));
    });
  });
}

function edit(node: SimulatedNode, path: string, change: (text: string) => string): void {
  const file = join(node.rootDirectory, path);
  writeFileSync(file, change(readFileSync(file, "utf8")));
}

/** Waits until a node's serial line has said all of these, one after the other, after `from`. */
async function said(node: SimulatedNode, from: number, ...patterns: readonly RegExp[]): Promise<void> {
  const all = new RegExp(patterns.map((each) => each.source).join("[^]*"));
  for (const began = performance.now(); ; ) {
    const text = readFileSync(node.serialLog, "latin1").slice(from);
    if (all.test(text)) return;
    const missing = patterns.find((each) => !each.test(text)) ?? all;
    if (performance.now() - began > deadlineMs) throw new Error(`${node.name}: waited for ${missing}; last seen: ${text.slice(-300)}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const saidSoFar = (node: SimulatedNode) => readFileSync(node.serialLog, "latin1").length;

/** Chooses the menu entry of a kernel for the next boot only. */
function bootOnce(node: SimulatedNode, kernel: string, commandLine: string): void {
  const directory = join(node.rootDirectory, "boot/grub2");
  writeFileSync(join(directory, "custom.cfg"), `menuentry 'lego' --id lego {\n\tlinux16 ${kernel} ${commandLine}\n}\n`);
  const grubenv = join(directory, "grubenv");
  const variables = parseEnvironmentBlock(readFileSync(grubenv)) ?? new Map<string, string>();
  writeFileSync(grubenv, formatEnvironmentBlock(variables.set("next_entry", "lego")));
}

async function build(node: SimulatedNode, name: string, symbols: readonly string[]): Promise<string> {
  const wanted = [
    ...symbols,
    `CONFIG_LOCALVERSION="-lego-${name}"`,
    "CONFIG_FIT_NR_NODES=3",
    "CONFIG_DEFAULT_MEM_NODE=1",
    "CONFIG_DEFAULT_STORAGE_NODE=2",
    "# CONFIG_USE_RAMFS is not set",
  ];
  await run(node, "make defconfig");
  edit(node, `${tree}/.config`, (text) => `${text}${wanted.join("\n")}\n`);
  edit(node, `${tree}/net/lego/fit_machine.c`, (text) =>
    text.replace(/\t\[0\]\t=\t"node0",\n.*\n/, '\t[0] = "node0",\n\t[1] = "node1",\n\t[2] = "node2",\n'),
  );
  await run(node, "make olddefconfig && make && make install");
  return `/boot/vmlinuz-4.0.0-lego-${name}+`;
}

function writeModuleTable(node: SimulatedNode): void {
  const table = ["node0", "node1", "node2"].map(
    (name, index) => `[${index}] = { .hostname = "${name}", .lid = ${[42, 23, 8][index]}, },\n`,
  );
  edit(node, `${tree}/linux-modules/fit/fit_machine.c`, (text) =>
    text
      .replace(/(hostnames\[CONFIG_FIT_NR_NODES\] = \{\n)[^}]*/, '$1\t[0] = "node0",\n\t[1] = "node1",\n\t[2] = "node2",\n')
      .replace(/\[0\]\t= \{[^]*?\n\};/, `${table.join("")}};`),
  );
}

t.test("P, M and S are built, booted once, find each other, run the program, and a power cycle brings Linux back", async (t) => {
  const directory = await mkdtemp(join(tmpdir(), "labd-lego-lab-"));
  const parsed = parseLab(inventory, "lab.yaml");
  if (!("lab" in parsed)) throw new Error(JSON.stringify(parsed.problems));
  const simulator = await startSimulator({
    lab: parsed.lab,
    stateDirectory: directory,
    speedUp: 25,
    agentProgram: undefined,
    clock: systemClock,
    log: silentLogger,
  });
  t.teardown(async () => {
    await simulator.close();
    await rm(directory, { recursive: true, force: true });
  });
  const [p0, m0, s0] = simulator.nodes;
  if (p0 === undefined || m0 === undefined || s0 === undefined) throw new Error("three nodes were asked for");
  await Promise.all(simulator.nodes.map((node) => said(node, 0, /login: /)));
  t.equal(await run(s0, "uname -r"), "3.11.1\n");

  edit(p0, `${tree}/managers/processor/core.c`, (text) =>
    text.replace("\treturn do_execve(", '\tinit_filename = "/bin/echo";\n\targv_init[1] = "nonce-93ac";\n\treturn do_execve('),
  );
  const [kernelP, kernelM] = await Promise.all([
    build(p0, "P", ["CONFIG_COMP_PROCESSOR=y", "CONFIG_FIT_LOCAL_ID=0"]),
    build(m0, "M", ["CONFIG_COMP_MEMORY=y", "CONFIG_FIT_LOCAL_ID=1"]),
  ]);
  writeModuleTable(s0);
  await run(s0, "make -C linux-modules");

  const [fromP, fromM] = [saidSoFar(p0), saidSoFar(m0)];
  bootOnce(p0, kernelP, "memmap=2G\\$4G");
  bootOnce(m0, kernelM, "");
  await Promise.all([p0.machine.act("cycle"), m0.machine.act("cycle")]);
  await Promise.all([
    said(p0, fromP, /LegoOS version 4\.0\.0-lego-P\+/, /Command line: .* memmap=2G\$4G\r\n/, /Please wait for enough IB MAD/),
    said(m0, fromM, /LegoOS version 4\.0\.0-lego-M\+/, /Please wait for enough IB MAD/),
  ]);
  await run(s0, "cd linux-modules && insmod fit/fit.ko && insmod storage/storage.ko");
  t.match(await run(s0, "dmesg"), /FIT layer done with all initialization on node 2\. Ready to go!/);
  t.match(await run(s0, "lsmod"), /^storage.*\nfit/m);
  t.match(await run(s0, "pgrep -x lego-storaged"), /^\d+\n$/);
  await said(p0, fromP, /FIT layer ready to go!/, /Manager is up and running\./, /STDOUT: ---\[/, /nonce-93ac/);
  await said(m0, fromM, /FIT layer ready to go!/, /Manager is up and running\./);

  const after = saidSoFar(p0);
  await p0.machine.act("cycle");
  await said(p0, after, /Booting `CentOS Linux/, /Linux version 3\.10\.0/, /p0 login: /);
});
