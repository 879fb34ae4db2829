/** Who is who in a LegoOS cluster: roles → node ids. Ids are compile-time constants of every image (facts: LegoOS §1, §7). */
import type { PlannedNode } from "../../deploy/recipe.js";

export type SerialLine = "ttyS0" | "ttyS1";
export type BaudRate = 9600 | 115200;

export interface Member {
  readonly role: "processor" | "memory" | "storage";
  readonly node: PlannedNode;
  /** FIT node id. */
  readonly id: number;
}

/** A member that boots a LegoOS kernel. */
export interface Manager extends Member {
  readonly role: "processor" | "memory";
  /** Compiled in: LegoOS ignores console= on its command line. */
  readonly console: { readonly line: SerialLine; readonly baudRate: BaudRate };
  /** CONFIG_LOCALVERSION: without it P and M install files of the same name. */
  readonly localVersion: "-lego-P" | "-lego-M";
}

export interface Cluster {
  readonly processor: Manager;
  readonly memory: Manager;
  readonly storage: Member | undefined;
  readonly managers: readonly Manager[];
  /** In the order of their ids. */
  readonly members: readonly Member[];
}

/** "1P-1M" or "1P-1M-1S". */
export function clusterName(cluster: Cluster): string {
  return cluster.storage === undefined ? "1P-1M" : "1P-1M-1S";
}

export const serialLines: readonly string[] = ["ttyS0", "ttyS1"] satisfies readonly SerialLine[];
export const baudRates: readonly number[] = [9600, 115200] satisfies readonly BaudRate[];

/** Nodes whose consoles LegoOS can use: judged in problems.ts. */
export function formCluster(processor: PlannedNode, memory: PlannedNode, storage: PlannedNode | undefined): Cluster {
  const p: Manager = { role: "processor", node: processor, id: 0, console: consoleOf(processor), localVersion: "-lego-P" };
  const m: Manager = { role: "memory", node: memory, id: 1, console: consoleOf(memory), localVersion: "-lego-M" };
  const s: Member | undefined = storage === undefined ? undefined : { role: "storage", node: storage, id: 2 };
  return { processor: p, memory: m, storage: s, managers: [p, m], members: s === undefined ? [p, m] : [p, m, s] };
}

function consoleOf(node: PlannedNode): Manager["console"] {
  return { line: node.console?.line === "ttyS0" ? "ttyS0" : "ttyS1", baudRate: node.console?.baudRate === 9600 ? 9600 : 115200 };
}
