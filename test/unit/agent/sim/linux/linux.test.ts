import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { once } from "node:events";
import t, { type Test } from "tap";
import type { ToolHandlers, ToolReply } from "../../../../../agent/sim/kernel.js";
import { linuxKernel } from "../../../../../agent/sim/linux/linux.js";
import { findMarkedProcesses } from "../../../../../agent/sim/linux/marked-processes.js";
import { installedFiles } from "../../../../../agent/sim/linux/seed-root.js";
import { listenForTools } from "../../../../../agent/sim/machine/machine-socket.js";
import { systemClock } from "../../../../../proto/base/clock.js";
import { benchMachine } from "../../../../support/sim/bench-machine.js";

/** Stands in for the agent: notes its environment, leaves a process in a session of its own, and waits. */
const agentProgram = `
const { spawn } = require("node:child_process");
const { renameSync, writeFileSync } = require("node:fs");
spawn("sleep", ["1000"], { detached: true, stdio: "ignore" }).unref();
const seen = process.env.LABD_SIM_ROOT + "/agent-seen.json";
writeFileSync(seen + ".new", JSON.stringify({ argv: process.argv.slice(2), env: process.env }));
renameSync(seen + ".new", seen);
setInterval(() => undefined, 1000);
`;

async function bench(t: Test, options: { agent?: boolean; tools?: ToolHandlers; arch?: string } = {}) {
  const directory = await mkdtemp(join(tmpdir(), "labd-linux-"));
  const mark = `test-${process.pid}-${directory.slice(-6)}`;
  const rootDirectory = join(directory, "root");
  const socketPath = join(directory, "s");
  writeFileSync(join(directory, "agent.cjs"), agentProgram);
  const kind = linuxKernel({
    agentProgram: join(directory, "agent.cjs"),
    agentLogFile: join(directory, "agent.log"),
    socketPath,
    mark,
    tools: options.tools ?? {},
  });
  const files = installedFiles({ node: "p0", release: "3.10.0-327.el7.x86_64", consoleLine: "ttyS1", baudRate: 115200 });
  mkdirSync(rootDirectory);
  const { machine, serial } = benchMachine({
    rootDirectory,
    clock: systemClock,
    kinds: [kind],
    speedUp: 1000,
    ...(options.arch === undefined ? {} : { arch: options.arch }),
    files: options.agent === false ? files : { ...files, "etc/labd/agent.json": "{}" },
  });
  const socket = await listenForTools(socketPath, (request) => machine.onToolRequest(request));
  t.teardown(async () => {
    await machine.close();
    await socket.close();
    await rm(directory, { recursive: true, force: true });
  });
  const ask = async (op: string, ...argv: string[]): Promise<ToolReply> => {
    const connection = connect(socketPath);
    connection.write(`${JSON.stringify({ op, argv, cwd: "/" })}\n`);
    let reply = "";
    connection.on("data", (chunk: Buffer) => {
      reply += chunk.toString();
    });
    await once(connection, "end");
    return JSON.parse(reply) as ToolReply;
  };
  return { machine, serial, mark, rootDirectory, ask, read: (path: string) => readFileSync(join(rootDirectory, path), "utf8") };
}

/** Waits for something to become true, looking often; fails after twenty seconds. */
async function until(awaited: string, condition: () => boolean): Promise<void> {
  for (const began = performance.now(); !condition(); ) {
    if (performance.now() - began > 20_000) throw new Error(`waited 20 s for ${awaited}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

t.test("Linux says what it is on serial, ends at a login prompt, and echoes what is typed", async (t) => {
  const { machine, serial } = await bench(t, { agent: false });
  await machine.act("on");
  await until("the login prompt", () => serial().includes("p0 login: "));
  t.match(serial(), /\[ {4}0\.000000\] Linux version 3\.10\.0-327\.el7\.x86_64 .*\r\n/);
  t.match(serial(), /\] Command line: BOOT_IMAGE=\/boot\/vmlinuz-3\.10\.0-327\.el7\.x86_64 root=\/dev\/sda2 ro console=ttyS1,115200n8/);
  t.match(serial(), /mlx4_ib_add: [^]*p0 login: $/);
  machine.port("ttyS1")?.send(Buffer.from("hello\r"));
  t.match(serial(), /login: hello\r\nPassword: $/);
});

t.test("its /proc is the machine's own, and the boot id changes with every boot", async (t) => {
  const { machine, rootDirectory, read } = await bench(t, { agent: false });
  const booted = () => existsSync(join(rootDirectory, "dev/ttyS1"));
  await machine.act("on");
  await until("user space", booted);
  const bootId = read("proc/sys/kernel/random/boot_id");
  t.match(bootId, /^[0-9a-f]{8}-[0-9a-f-]{27}\n$/);
  t.equal(read("proc/sys/kernel/osrelease"), "3.10.0-327.el7.x86_64\n");
  t.equal(read("proc/sys/kernel/hostname"), "p0\n");
  t.equal(read("proc/cpuinfo").match(/^processor\t: /gm)?.length, 4);
  t.match(read("proc/meminfo"), /^MemTotal: +16777216 kB\n/);
  t.match(read("proc/cmdline"), /^BOOT_IMAGE=/);
  t.match(read("proc/uptime"), /^\d+\.\d\d \d+\.\d\d\n$/);
  await machine.act("off");
  t.notOk(booted(), "no device without a system");
  await machine.act("on");
  await until("user space", booted);
  t.not(read("proc/sys/kernel/random/boot_id"), bootId);
});

t.test("a board is a board in everything it says of itself", async (t) => {
  const { machine, serial, ask, read } = await bench(t, { agent: false, arch: "aarch64" });
  await machine.act("on");
  await until("the login prompt", () => serial().includes("p0 login: "));
  t.equal((await ask("uname", "-m")).stdout, "aarch64\n");
  t.equal(read("proc/sys/kernel/arch"), "aarch64\n");
  t.match(read("proc/cpuinfo"), /^processor\t: 0\nBogoMIPS[^]*CPU implementer\t: 0x41\n/);
  t.match(serial(), /AArch64 Processor[^]*Detected architecture arm64/);
  t.notMatch(serial(), /Intel|x86-64|x86:/);
});

t.test("bytes written to the node's serial device leave on its serial line", async (t) => {
  const { machine, serial, rootDirectory } = await bench(t, { agent: false });
  await machine.act("on");
  await until("the login prompt", () => serial().includes("p0 login: "));
  appendFileSync(join(rootDirectory, "dev/ttyS1"), "marker 1\r\n");
  appendFileSync(join(rootDirectory, "dev/ttyS0"), "elsewhere\r\n");
  appendFileSync(join(rootDirectory, "dev/ttyS1"), "marker 2\r\n");
  await until("the marker", () => serial().includes("marker 2\r\n"));
  t.match(serial(), /login: marker 1\r\nmarker 2\r\n$/);
});

t.test("the agent runs with the machine's tools first, nothing of the host's secrets, and dies with all it started", async (t) => {
  process.env["LABD_TEST_SECRET"] = "on the host";
  const { machine, mark, rootDirectory, read } = await bench(t);
  await machine.act("on");
  await until("the agent", () => existsSync(join(rootDirectory, "agent-seen.json")));
  const { argv, env } = JSON.parse(read("agent-seen.json")) as { argv: string[]; env: Record<string, string> };
  t.same(argv, ["--config", join(rootDirectory, "etc/labd/agent.json")]);
  t.match(env["PATH"], new RegExp(`^${rootDirectory}/usr/local/bin:`));
  t.match(env, { LABD_SIM_ROOT: rootDirectory, HOME: join(rootDirectory, "root") });
  t.equal(env["LABD_TEST_SECRET"], undefined);
  t.equal(findMarkedProcesses(mark).length, 2);
  await machine.act("off");
  t.same(findMarkedProcesses(mark), []);
});

t.test("an agent that ends by itself is started again", async (t) => {
  const { machine, mark, rootDirectory } = await bench(t);
  await machine.act("on");
  await until("the agent", () => existsSync(join(rootDirectory, "agent-seen.json")));
  await rm(join(rootDirectory, "agent-seen.json"));
  for (const pid of findMarkedProcesses(mark)) process.kill(pid, "SIGKILL");
  await until("another agent", () => existsSync(join(rootDirectory, "agent-seen.json")));
});

t.test("tools are answered by the running kernel, those of other rooms with its log, modules and threads at hand", async (t) => {
  const { machine, serial, ask, read } = await bench(t, {
    agent: false,
    tools: {
      insmod: async (request, linux) => {
        linux.printk(`fit: ${request.argv.join(" ")}`);
        linux.addModule("fit", 70_000);
        linux.addModule("storage", 90_000);
        linux.addKernelThread("lego-storaged");
        return { exitCode: 0 };
      },
    },
  });
  t.match(await ask("uname", "-r"), { exitCode: 127, stderr: "uname: command not found\n" }, "nobody answers while it is off");
  await machine.act("on");
  await until("the login prompt", () => serial().includes("p0 login: "));
  t.equal((await ask("uname", "-rn")).stdout, "p0 3.10.0-327.el7.x86_64\n");
  t.equal((await ask("uname")).stdout, "Linux\n");
  t.same(await ask("insmod", "fit.ko"), { exitCode: 0 });
  t.match((await ask("dmesg")).stdout, /Linux version[^]*\] fit: fit\.ko\n$/);
  t.match(read("proc/modules"), /^storage 90000 0 - Live 0x\w+\nfit 70000 0 - Live 0x/);
  t.match((await ask("lsmod")).stdout, /^Module +Size {2}Used by\nstorage +90000 {2}0\nfit +70000 {2}0\n$/);
  t.equal(read("proc/300/comm"), "lego-storaged\n");
  t.match(await ask("frobnicate"), { exitCode: 127 });
});

t.test("an interrupt nobody asked for is told and survived; with unknown_nmi_panic it is the end, until the power is cycled", async (t) => {
  const { machine, serial, ask, rootDirectory, mark } = await bench(t);
  machine.interrupt();
  await machine.act("on");
  await until("the login prompt", () => serial().includes("p0 login: "));
  machine.interrupt();
  t.match(
    serial(),
    /\] Uhhuh\. NMI received for unknown reason 3d on CPU 0\.\r\n.*power saving mode enabled\?\r\n.*Dazed and confused, but trying to continue\r\n$/,
  );
  t.equal((await ask("uname")).stdout, "Linux\n", "it goes on");
  await until("the agent", () => findMarkedProcesses(mark).length === 2);
  appendFileSync(join(rootDirectory, "etc/sysctl.conf"), "kernel.unknown_nmi_panic = 1\n");
  machine.interrupt();
  t.match(
    serial(),
    /Kernel panic - not syncing: NMI: Not continuing\r\n[^]*---\[ end Kernel panic - not syncing: NMI: Not continuing\r\n$/,
  );
  await until("its processes to have stopped", () => findMarkedProcesses(mark).length === 0);
  t.match(await ask("uname"), { exitCode: 127 });
  machine.interrupt();
  await machine.act("soft");
  t.ok(machine.on, "nobody is there to switch it off");
  t.match(serial(), /---\[ end Kernel panic.*\r\n$/);
  await machine.act("cycle");
  await until("a second login prompt", () => /end Kernel panic[^]*BIOS[^]*p0 login: $/.test(serial()));
});

t.test("a kernel that panics starts anew when kernel.panic says so; a board has no such interrupt", async (t) => {
  const { machine, serial, rootDirectory } = await bench(t, { agent: false });
  appendFileSync(join(rootDirectory, "etc/sysctl.conf"), "kernel.panic_on_unrecovered_nmi=1\nkernel.panic=10\n");
  await machine.act("on");
  await until("the login prompt", () => serial().includes("p0 login: "));
  machine.interrupt();
  await until("a second login prompt", () => /Rebooting in 10 seconds\.\.\r\n[^]*BIOS[^]*p0 login: $/.test(serial()));
  const board = await bench(t, { agent: false, arch: "aarch64" });
  await board.machine.act("on");
  await until("the login prompt", () => board.serial().includes("p0 login: "));
  board.machine.interrupt();
  t.match(board.serial(), /p0 login: $/);
});

t.test("reboot ends in another boot, a soft power-off in an orderly end", async (t) => {
  const { machine, serial, ask } = await bench(t, { agent: false });
  await machine.act("on");
  await until("the login prompt", () => serial().includes("p0 login: "));
  t.same(await ask("reboot"), { exitCode: 0, stdout: "" });
  await until("a second login prompt", () => /Restarting system\.[^]*BIOS[^]*p0 login: $/.test(serial()));
  await machine.act("soft");
  await until("power off", () => !machine.on);
  t.match(serial(), /Power down\.\r\n$/);
});
