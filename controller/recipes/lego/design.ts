/** A deployment that has passed all checks of problems.ts: what every step is derived from. */
import { type Known, numberFrom } from "../../deploy/recipe.js";
import { wiringStepId } from "../wiring.js";
import type { Cluster, Manager, Member } from "./cluster.js";
import type { Memmap } from "./memmap.js";
import type { NodeTableRow } from "./node-table.js";
import type { LegoParameters } from "./parameters.js";

export { numberFrom, textFrom } from "../../deploy/recipe.js";

export interface Design {
  readonly cluster: Cluster;
  readonly parameters: LegoParameters;
  readonly memmap: Memmap;
}

export const seconds = 1000;
export const minutes = 60 * seconds;

/** Ids of the steps that others need or read from. */
export const stepIds = {
  check: ({ node }: Member) => `check/${node.name}`,
  wiring: ({ node }: Member) => wiringStepId(node),
  configure: ({ node }: Member) => `configure/${node.name}`,
  crossCheck: ({ processor }: Cluster) => `cross-check/${processor.node.name}`,
  build: ({ node }: Member) => `build/${node.name}`,
  image: ({ node }: Manager) => `install/${node.name}/image`,
  entry: ({ node }: Manager) => `install/${node.name}/entry`,
  power: ({ node }: Manager) => `power/${node.name}`,
  boot: ({ node }: Manager) => `boot/${node.name}`,
  connect: ({ node }: Manager) => `connect/${node.name}`,
  fitModule: ({ node }: Member) => `modules/${node.name}/fit`,
  storageModule: ({ node }: Member) => `modules/${node.name}/storage`,
  join: ({ node }: Manager) => `join/${node.name}`,
  prove: ({ node }: Manager) => `prove/${node.name}`,
} as const;

/** Id of a manager's boot entry: the same in every run, so that a run replaces what the last one left. */
export function bootEntryId(role: "processor" | "memory"): string {
  return `labd-lego-${role}`;
}

/** The node table with the LIDs read in this run's check. */
export function nodeTable(cluster: Cluster, known: Known): NodeTableRow[] {
  return cluster.members.map((member) => ({
    id: member.id,
    name: member.node.name,
    lid: numberFrom(known.outputs, stepIds.check(member), "lid"),
  }));
}
