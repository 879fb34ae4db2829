/** What a LegoOS build leaves behind: everything compiled in, so that what boots is what was built (facts: LegoOS §1–§5). */
import type { KernelImage } from "../kernel.js";
import type { Executable } from "./executable.js";
import type { NodeTable } from "./node-table.js";
import type { InitProgram } from "./processor-program.js";

export const legoKind = "legoos";

export interface LegoBuild {
  /** "4.0.0-lego-P+". */
  readonly release: string;
  /** "#1 SMP Sat Nov 21 02:00:34 UTC 2026". */
  readonly version: string;
  /** "root@p0". */
  readonly builder: string;
  /** Every Kconfig symbol whose conditions are met, without CONFIG_. */
  readonly config: Readonly<Record<string, string>>;
  /** undefined without FIT. */
  readonly table: NodeTable | undefined;
  /** What procmgmt() starts; undefined in a memory manager. */
  readonly init: InitProgram | undefined;
  /** The RAMFS object; undefined without one. */
  readonly ramfs: { readonly path: string; readonly program: Executable | undefined } | undefined;
}

/** Reads a kernel image's build; undefined when the image is not one of LegoOS. */
export function legoBuildOf(image: KernelImage): LegoBuild | undefined {
  return image.kind === legoKind ? (image.build as LegoBuild) : undefined;
}

/** What every node must have compiled in alike, or no connection comes up (facts: LegoOS §3 and §6). */
export interface FitConstants {
  readonly localId: number;
  readonly nodeCount: number;
  readonly firstQpn: number;
  readonly qpsPerPair: number;
  readonly socketOverInfiniband: boolean;
}

const moduleMagic = "\u007fELF\u0002\u0001\u0001 LABD-SIM-MODULE\n";

/** A built Linux module. */
export type LinuxModule =
  | { readonly name: "fit"; readonly vermagic: string; readonly constants: FitConstants; readonly table: NodeTable }
  | { readonly name: "storage"; readonly vermagic: string; readonly bypassPageCache: boolean }
  | { readonly name: MonitorModule; readonly vermagic: string; readonly nodeIds: readonly number[] };

export const monitorModules = ["lego_gmm", "lego_gpm", "lego_gum", "lego_gsm", "lego_gm_dispatcher"] as const;
export type MonitorModule = (typeof monitorModules)[number];

export function formatModule(module: LinuxModule): string {
  return `${moduleMagic}${JSON.stringify(module)}\n`;
}

/** Reads a .ko file; undefined when it is none. */
export function parseModule(contents: string | undefined): LinuxModule | undefined {
  return contents?.startsWith(moduleMagic) === true ? (JSON.parse(contents.slice(moduleMagic.length)) as LinuxModule) : undefined;
}
