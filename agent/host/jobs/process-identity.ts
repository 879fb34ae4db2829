/** A process that can be recognised later: a process id alone is given to somebody else some day. */
import { readdirSync, readFileSync } from "node:fs";
import { errnoOf } from "../file-errors.js";

export interface ProcessIdentity {
  readonly pid: number;
  /** Clock ticks between the machine's boot and the process's start (proc(5), stat field 22); "" when it was gone already. */
  readonly startTicks: string;
}

/** Identity of a process that runs now. */
export function identityOf(pid: number): ProcessIdentity {
  return { pid, startTicks: readStat(pid)?.startTicks ?? "" };
}

/** True while that very process runs; a zombie does not. */
export function isAlive(identity: ProcessIdentity): boolean {
  const stat = readStat(identity.pid);
  return stat !== undefined && stat.startTicks === identity.startTicks && stat.state !== "Z";
}

/** Sends a signal to a process, or to a whole group when `pid` is negative. False when nobody is there. */
export function signalProcess(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal);
  } catch (error) {
    if (errnoOf(error) === "ESRCH") return false;
    throw error;
  }
}

/** True while a process of the group runs. Zombies count for nothing: in some containers nobody reaps orphans, or only now and then. */
export function groupRuns(group: number): boolean {
  if (!signalProcess(-group, 0)) return false;
  return processIds().some((pid) => {
    const stat = readStat(pid);
    return stat !== undefined && stat.group === group && stat.state !== "Z";
  });
}

function processIds(): number[] {
  return readdirSync("/proc").map(Number).filter(Number.isInteger);
}

function readStat(pid: number): { state: string; group: number; startTicks: string } | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, "latin1");
  } catch {
    return undefined;
  }
  // Field 2, the program's name in parentheses, may itself hold blanks and parentheses: count from the last one, which ends it.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const [state, group, startTicks] = [fields[0], fields[2], fields[19]];
  return state === undefined || startTicks === undefined ? undefined : { state, group: Number(group), startTicks };
}
