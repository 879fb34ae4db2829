/** The systems there are. A new one is a folder beside lego/ and a line here, in simulatedSystems and in the recipes. */
import { hexo } from "./hexo/system.js";
import { lego } from "./lego/system.js";
import type { KnownFaults, simulatedSystems } from "./node-parameters.js";
import { phos } from "./phos/system.js";
import { phoenix } from "./phoenix/system.js";
import type { SimulatedSystem } from "./system.js";
import { kernelTools } from "./tools/kernel-tools.js";
import { smallTools } from "./tools/small-tools.js";
import type { Tool } from "./tools/tool.js";

export type SystemName = (typeof simulatedSystems)[number];

export const systems: Readonly<Record<SystemName, SimulatedSystem>> = { lego, hexo, phoenix, phos };

/** What may stand under `faults` in a node's `sim:` section. */
export const knownFaults = Object.fromEntries(Object.entries(systems).map(([name, { faults = [] }]) => [name, faults])) as KnownFaults;

/** Every stand-in tool of a system's machines. */
export function toolsOf(system: SystemName): Readonly<Record<string, Tool>> {
  return { ...kernelTools, ...smallTools, ...systems[system].tools };
}

export function isSystemName(name: string): name is SystemName {
  return Object.hasOwn(systems, name);
}
