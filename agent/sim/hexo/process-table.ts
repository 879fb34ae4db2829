/**
 * /proc/PID of stand-in processes that others look for by name: comm, cmdline, and `host-pid`, the process behind it, while there is
 * one: an entry whose process was killed is found by that and removed.
 */
import { mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { MachineView } from "../tools/machine-view.js";

export interface ListedProcess {
  readonly pid: number;
  readonly name: string;
}

/** Lists a process of this host until the result is called. */
export function listProcess(machine: MachineView, name: string, argv: readonly string[], pid = process.pid): () => void {
  // A machine that is the host itself has a /proc of its own.
  if (machine.rootDirectory === "/") return () => undefined;
  const directory = machine.host(`/proc/${pid}`);
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, "comm"), `${name}\n`);
  writeFileSync(join(directory, "cmdline"), [name, ...argv, ""].join("\0"));
  if (pid === process.pid) writeFileSync(join(directory, "host-pid"), String(pid));
  return () => rmSync(directory, { recursive: true, force: true });
}

/** Processes of that name; entries without a process behind them are removed. */
export function processesNamed(machine: MachineView, name: string): readonly ListedProcess[] {
  forgetDeadProcesses(machine);
  if (!machine.exists("/proc")) return [];
  return readdirSync(machine.host("/proc"))
    .filter((pid) => /^\d+$/.test(pid) && (machine.read(`/proc/${pid}/comm`) ?? "").trim() === name)
    .map((pid) => ({ pid: Number(pid), name }));
}

export function forgetDeadProcesses(machine: MachineView): void {
  if (machine.rootDirectory === "/" || !machine.exists("/proc")) return;
  for (const name of readdirSync(machine.host("/proc")).filter((each) => /^\d+$/.test(each))) {
    const hostPid = Number(machine.read(`/proc/${name}/host-pid`) ?? "NaN");
    if (!Number.isNaN(hostPid) && !isAlive(hostPid)) rmSync(machine.host(`/proc/${name}`), { recursive: true, force: true });
  }
}

/** Kills a process of the machine by its pid. False when there is none behind it. */
export function killProcess(machine: MachineView, pid: number, signal: NodeJS.Signals): boolean {
  const hostPid = Number(machine.read(`/proc/${pid}/host-pid`) ?? "NaN");
  if (Number.isNaN(hostPid) || hostPid === process.pid || !isAlive(hostPid)) return false;
  process.kill(hostPid, signal);
  return true;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
