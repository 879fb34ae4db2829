/** Tools that tell something of the machine: dd on /dev/kvm, ss, ping, pgrep, ps, and what the installer looks for. */
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { ask } from "../tools/kernel-tools.js";
import { smallTools } from "../tools/small-tools.js";
import type { Tool, ToolCall } from "../tools/tool.js";
import { has } from "./faults.js";
import { operands } from "./file-tools.js";
import { forgetDeadProcesses, killProcess, processesNamed } from "./process-table.js";

/** dd if=FILE of=FILE count=0: opens both, and says what stops it. The owner's bits decide: tests run as root. */
const dd: Tool = (call) => {
  const operand = (name: string) => call.argv.find((word) => word.startsWith(`${name}=`))?.slice(name.length + 1);
  for (const [name, bit] of [
    ["if", 0o400],
    ["of", 0o200],
  ] as const) {
    const path = operand(name);
    if (path === undefined) continue;
    const found = statSync(call.machine.host(path), { throwIfNoEntry: false });
    const problem = found === undefined ? "No such file or directory" : (found.mode & bit) === 0 ? "Permission denied" : undefined;
    if (problem === undefined) continue;
    call.err(`dd: failed to open '${path}': ${problem}\n`);
    return 1;
  }
  call.err("0+0 records in\n0+0 records out\n0 bytes copied, 0.000049 s, 0.0 kB/s\n");
  return 0;
};

/** ss -Hltn: simulated machines share the host's ports, so its listeners are theirs. */
const ss: Tool = (call) => {
  if (!call.argv.some((word) => /^-\w*H/.test(word))) call.out("State    Recv-Q   Send-Q     Local Address:Port      Peer Address:Port\n");
  for (const port of listeningPorts()) call.out(`LISTEN   0        128              0.0.0.0:${port}           0.0.0.0:*\n`);
  return 0;
};

const listening = "0A";

function listeningPorts(): readonly number[] {
  const lines = ["/proc/net/tcp", "/proc/net/tcp6"].flatMap((file) => (existsSync(file) ? readFileSync(file, "utf8").split("\n") : []));
  const ports = lines.flatMap((line) => {
    const [, local = "", , state] = line.trim().split(/\s+/);
    return state === listening ? [Number.parseInt(local.split(":")[1] ?? "", 16)] : [];
  });
  return [...new Set(ports)].sort((a, b) => a - b);
}

const foreignPid = 4242;

/** Lists the processes of this machine, somebody else's proxy among them when it is to misbehave so. */
function withProcesses(tool: Tool): Tool {
  return (call) => {
    forgetDeadProcesses(call.machine);
    if (has(call, "foreign-proxy")) listForeignProxy(call);
    return tool(call);
  };
}

function listForeignProxy({ machine }: ToolCall): void {
  const directory = machine.host(`/proc/${foreignPid}`);
  mkdirSync(directory, { recursive: true });
  writeFileSync(`${directory}/comm`, "proxy\n");
  writeFileSync(`${directory}/cmdline`, "proxy\0/home/ada/prog_x86-64_aligned\0");
}

/** pkill NAME: every process of that name, whoever's it is. */
const pkill: Tool = (call) => {
  const found = processesNamed(call.machine, operands(call.argv)[0] ?? "");
  for (const { pid } of found) killProcess(call.machine, pid, "SIGTERM");
  return found.length > 0 ? 0 : 1;
};

const nothingSaid: Tool = () => 1;

export const machineTools: Readonly<Record<string, Tool>> = {
  dd,
  ss,
  ping: (call) => ask(call, "ping"),
  pkill,
  pgrep: withProcesses(smallTools["pgrep"] ?? nothingSaid),
  ps: withProcesses(smallTools["ps"] ?? nothingSaid),
  "x86_64-linux-gnu-g++": (call) => {
    call.out("6.3.0\n");
    return 0;
  },
};
