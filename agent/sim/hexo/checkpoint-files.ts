/**
 * A guest's memory as files in a directory (facts: HEXO §3): heap.bin, bss.bin, data.bin, stack.bin.0, tls.bin.0, fds.bin, and
 * mdata.bin, which is written last. Post-copy leaves out heap, bss and data: the source keeps them and serves them.
 *
 * Nothing here compares digests: a file of another moment and of the right size is taken, as the real ones are.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Guest, type RegionName, regionNames } from "./guest.js";
import type { Program } from "./program-file.js";

/** What mdata.bin says. Sizes are bytes. */
export interface Metadata {
  readonly magic: "HETMIG1";
  readonly program: Pick<Program, "app" | "problemClass" | "source">;
  readonly savedBy: Program["architecture"];
  readonly tasks: number;
  readonly sizes: Readonly<Record<RegionName, number>>;
  /** Whether heap, bss and data were written. */
  readonly full: boolean;
}

export const metadataFile = "mdata.bin";

/** Of task 0, the only one there is. */
export function regionFile(region: RegionName): string {
  return region === "stack" || region === "tls" ? `${region}.bin.0` : `${region}.bin`;
}

/** Regions that stay with the source in post-copy. */
export const remoteRegions = ["data", "bss", "heap"] as const satisfies readonly RegionName[];

export interface Saving {
  readonly program: Program;
  readonly guest: Guest;
  readonly full: boolean;
  /** Called before every file, so that time can pass. */
  readonly pause: () => Promise<void>;
  /** Misbehaves: mdata.bin before all others. */
  readonly metadataFirst: boolean;
}

/** Writes the guest into `directory`; what is there already is overwritten file by file. */
export async function saveGuest(directory: string, saving: Saving): Promise<void> {
  const { program, guest, full, pause, metadataFirst } = saving;
  mkdirSync(directory, { recursive: true });
  const regions = regionNames.filter((region) => full || !(remoteRegions as readonly string[]).includes(region));
  const files: (readonly [name: string, contents: string | Uint8Array])[] = [
    ["fds.bin", '{"open":[0,1,2]}\n'],
    ...regions.map((region) => [regionFile(region), guest.memory[region]] as const),
  ];
  const { app, problemClass, source, architecture } = program;
  const size = (region: RegionName) => guest.memory[region].byteLength;
  const metadata: Metadata = {
    magic: "HETMIG1",
    program: { app, problemClass, source },
    savedBy: architecture,
    tasks: 1,
    sizes: { stack: size("stack"), tls: size("tls"), data: size("data"), bss: size("bss"), heap: size("heap") },
    full,
  };
  files.splice(metadataFirst ? 0 : files.length, 0, [metadataFile, `${JSON.stringify(metadata)}\n`]);
  for (const [name, contents] of files) {
    await pause();
    writeFileSync(join(directory, name), contents);
  }
}

/** Fills the guest's memory from files; with `full` false only what post-copy wrote. Returns why it cannot, undefined when it has. */
export function restoreGuest(directory: string, program: Program, guest: Guest, full: boolean): string | undefined {
  const metadata = readMetadata(join(directory, metadataFile));
  if (metadata === undefined) return metadataFile;
  const { app, problemClass, source } = program;
  const saved = metadata.program;
  if (saved.app !== app || saved.problemClass !== problemClass || saved.source !== source) return metadataFile;
  for (const region of regionNames) {
    if (!full && (remoteRegions as readonly string[]).includes(region)) continue;
    const file = join(directory, regionFile(region));
    const memory = guest.memory[region];
    if (!existsSync(file)) return regionFile(region);
    const contents = readFileSync(file);
    if (metadata.sizes[region] !== memory.byteLength || contents.byteLength !== memory.byteLength) return regionFile(region);
    memory.set(contents);
  }
  return existsSync(join(directory, "fds.bin")) ? undefined : "fds.bin";
}

function readMetadata(file: string): Metadata | undefined {
  try {
    const metadata = JSON.parse(readFileSync(file, "utf8")) as Metadata;
    return metadata.magic === "HETMIG1" ? metadata : undefined;
  } catch {
    return undefined;
  }
}
