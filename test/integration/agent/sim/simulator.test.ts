/** The simulator as a process: what it leaves on disk, on the network, and among the processes of the host. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createSocket } from "node:dgram";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import t, { type Test } from "tap";
import { findMarkedProcesses } from "../../../../agent/sim/linux/marked-processes.js";

const program = fileURLToPath(new URL("../../../../agent/sim/main.js", import.meta.url));

/** Stands in for the agent: says who it is and stays, with a child in a session of its own. */
const agentProgram = `
const { spawn } = require("node:child_process");
const { writeFileSync } = require("node:fs");
const child = spawn("sleep", ["1000"], { detached: true, stdio: "ignore" });
const { LABD_SIM_ROOT, LABD_SIM_MARK: mark, LABD_SIM_SOCKET: socket } = process.env;
writeFileSync(LABD_SIM_ROOT + "/pids.json", JSON.stringify({ pids: [process.pid, child.pid], mark, socket }));
setInterval(() => undefined, 1000);
`;

interface Ready {
  readonly nodes: readonly { name: string; bmc: { address: string; port: number }; root: string; serialLog: string }[];
}

/** Two free UDP ports of 127.0.0.1 that stay taken until this returns. */
async function freePorts(): Promise<readonly [number, number]> {
  const sockets = [createSocket("udp4"), createSocket("udp4")] as const;
  for (const socket of sockets) {
    socket.bind(0, "127.0.0.1");
    await once(socket, "listening");
  }
  const [a, b] = sockets;
  const ports = [a.address().port, b.address().port] as const;
  for (const socket of sockets) socket.close();
  return ports;
}

async function bench(t: Test) {
  const directory = await mkdtemp(join(tmpdir(), "labd-simulator-"));
  const [first, second] = await freePorts();
  const inventory = join(directory, "lab.yaml");
  const state = join(directory, "state");
  const agent = join(directory, "agent.cjs");
  writeFileSync(agent, agentProgram);
  writeFileSync(
    inventory,
    `lab: bench
agents: { site: { site: true } }
defaults:
  bmc: { user: admin, password: { env: LABD_TEST_PASSWORD }, via: site }
  console: { sol: {}, line: ttyS1, baud: 115200, via: site }
nodes:
  p0: { bmc: { address: 127.0.0.1, port: ${first} } }
  s0: { bmc: { address: 127.0.0.1, port: ${second} }, sim: { linux: 3.11.1, power: "off" } }
`,
  );
  mkdirSync(join(state, "p0", "root", "etc", "labd"), { recursive: true });
  writeFileSync(join(state, "p0", "root", "etc", "labd", "agent.json"), "{}");
  const children: ChildProcess[] = [];
  t.teardown(async () => {
    for (const child of children) child.kill("SIGKILL");
    await rm(directory, { recursive: true, force: true, maxRetries: 5 });
  });
  const start = (...more: string[]) => {
    const argv = [...more, "--inventory", inventory, "--state", state, "--agent", agent, "--speed-up", "1000", "--log-level", "error"];
    const child = spawn(process.execPath, [program, ...argv], {
      env: { ...process.env, LABD_TEST_PASSWORD: "secret" },
      stdio: ["pipe", "pipe", "pipe"],
    });
    children.push(child);
    const exited = once(child, "exit") as Promise<[number | null, NodeJS.Signals | null]>;
    let errors = "";
    child.stderr.on("data", (chunk: Buffer) => (errors += chunk.toString()));
    const ready = new Promise<Ready>((resolve, reject) => {
      let text = "";
      child.stdout.on("data", (chunk: Buffer) => {
        text += chunk.toString();
        if (text.endsWith("\n")) resolve(JSON.parse(text) as Ready);
      });
      child.on("exit", () => reject(new Error(`simulator ended before it was ready: ${errors}`)));
    });
    return { child, ready, exited, errors: () => errors };
  };
  const agentOf = (root: string) => {
    const path = join(root, "pids.json");
    return until(`${path} to be written`, () => {
      if (!existsSync(path)) return undefined;
      const text = readFileSync(path, "utf8");
      return text === "" ? undefined : (JSON.parse(text) as { pids: number[]; mark: string; socket: string });
    });
  };
  return { start, agentOf, inventory, state };
}

/** Waits for a value, looking often; fails after twenty seconds. */
async function until<T>(awaited: string, look: () => T | undefined): Promise<T> {
  const began = performance.now();
  for (;;) {
    const value = look();
    if (value !== undefined) return value;
    if (performance.now() - began > 20_000) throw new Error(`waited 20 s for ${awaited}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

t.test("every node gets a disk, a BMC and a record of its serial line; SIGTERM leaves nothing running", async (t) => {
  const { start, agentOf } = await bench(t);
  const simulator = start();
  const { nodes } = await simulator.ready;
  t.same(
    nodes.map((node) => node.name),
    ["p0", "s0"],
  );
  const [p0, s0] = nodes;
  t.ok(existsSync(join(s0?.root ?? "", "boot/vmlinuz-3.11.1")));
  const { pids, mark } = await agentOf(p0?.root ?? "");
  t.same(new Set(findMarkedProcesses(mark)), new Set(pids));
  t.match(readFileSync(p0?.serialLog ?? "", "utf8"), /BIOS[^]*GRUB[^]*Linux version/);
  simulator.child.kill("SIGTERM");
  t.same(await simulator.exited, [0, null]);
  t.same(findMarkedProcesses(mark), []);
});

t.test("when the simulator is killed, the processes of its machines end too, and nothing stays in the temporary directory", async (t) => {
  const { start, agentOf } = await bench(t);
  const simulator = start();
  const { nodes } = await simulator.ready;
  const { mark, socket } = await agentOf(nodes[0]?.root ?? "");
  simulator.child.kill("SIGKILL");
  await simulator.exited;
  await until("its sockets to be gone", () => (existsSync(dirname(socket)) ? undefined : true));
  t.same(findMarkedProcesses(mark), []);
});

t.test("told to, it ends with whoever holds its standard input", async (t) => {
  const { start } = await bench(t);
  const simulator = start("--exit-with-stdin");
  await simulator.ready;
  simulator.child.stdin.end();
  t.same(await simulator.exited, [0, null]);
});

t.test("a second simulation goes on with the disks of the first", async (t) => {
  const { start } = await bench(t);
  const first = start();
  const { nodes } = await first.ready;
  writeFileSync(join(nodes[1]?.root ?? "", "root/kept"), "by the user");
  first.child.kill("SIGTERM");
  await first.exited;
  const second = start();
  await second.ready;
  t.equal(readFileSync(join(nodes[1]?.root ?? "", "root/kept"), "utf8"), "by the user");
  second.child.kill("SIGTERM");
  t.same(await second.exited, [0, null]);
});

t.test("an address in use and a bad sim section end it with a reason and an exit code, and nothing else stays", async (t) => {
  const { start, inventory } = await bench(t);
  const first = start();
  await first.ready;
  const second = start();
  await t.rejects(second.ready, /cannot bind 127\.0\.0\.1:\d+/);
  t.same(await second.exited, [5, null]);
  writeFileSync(inventory, readFileSync(inventory, "utf8").replace("linux: 3.11.1", "memory: much, cipherSuites: [0]"));
  const third = start();
  await t.rejects(
    third.ready,
    /nodes\.s0\.sim\.memory: a size such as 16G\n[^]*nodes\.s0\.sim\.cipherSuites\.0: cipher suite 0 is not simulated/,
  );
  t.same(await third.exited, [3, null]);
  first.child.kill("SIGTERM");
  t.same(await first.exited, [0, null]);
});
