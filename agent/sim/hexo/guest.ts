/** A program in a unikernel, as its hypervisor sees it: memory, and what happens from one point to the next. */

/** Regions of a guest's memory. Everything a guest knows is in them: whoever has them can go on with it. */
export const regionNames = ["stack", "tls", "data", "bss", "heap"] as const;
export type RegionName = (typeof regionNames)[number];
export type Memory = Readonly<Record<RegionName, Uint8Array>>;

export interface Step {
  /** What the program wrote. */
  readonly output?: string;
  /** How long it took, real-machine milliseconds. */
  readonly machineMs: number;
  /** Set at the end of the program. */
  readonly exitCode?: number;
}

export interface Guest {
  readonly memory: Memory;
  /** Whether the end of a step is a migration point. A program without one never migrates (facts: HEXO §3). */
  readonly hasMigrationPoints: boolean;
  /** Goes on to the next point. Its memory then holds all there is to know. */
  step(): Step;
}

export function emptyMemory(bytes: Readonly<Record<RegionName, number>>): Memory {
  const region = (name: RegionName) => new Uint8Array(bytes[name]);
  return { stack: region("stack"), tls: region("tls"), data: region("data"), bss: region("bss"), heap: region("heap") };
}

/** A region as an array of 32-bit integers. */
export function words(region: Uint8Array): Int32Array {
  return new Int32Array(region.buffer, region.byteOffset, region.byteLength >> 2);
}
