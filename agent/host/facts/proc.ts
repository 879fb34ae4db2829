/** What the files of /proc say (proc(5)), as pure functions from their text. */

/** Number of processors and the model of the first; boards name it "Model" or "Hardware" (arm), PCs "model name". */
export function parseCpuinfo(text: string): { count: number; model: string } {
  const count = text.match(/^processor\s*:/gm)?.length ?? 0;
  const model = field(text, "model name") ?? field(text, "Model") ?? field(text, "Hardware") ?? "";
  return { count, model };
}

/** Total and available memory in bytes. Kernels before 3.14 do not say MemAvailable: there, what they could give back at once. */
export function parseMeminfo(text: string): { totalBytes: number; availableBytes: number } {
  const kibibytes = (name: string): number | undefined => {
    const value = field(text, name);
    return value === undefined ? undefined : Number.parseInt(value, 10);
  };
  const free = (kibibytes("MemFree") ?? 0) + (kibibytes("Buffers") ?? 0) + (kibibytes("Cached") ?? 0);
  return { totalBytes: (kibibytes("MemTotal") ?? 0) * 1024, availableBytes: (kibibytes("MemAvailable") ?? free) * 1024 };
}

/** Names of the loaded modules, sorted. */
export function parseModules(text: string): string[] {
  return text
    .split("\n")
    .map((line) => line.split(" ", 1)[0] ?? "")
    .filter((name) => name !== "")
    .sort();
}

/** File systems that stand on a device but on no disk worth watching. */
const readOnlyImages = new Set(["squashfs", "iso9660", "udf"]);

/** Mount points backed by storage, each once: "/" whatever it is, and every other that a device under /dev carries. */
export function parseMounts(text: string): string[] {
  const mounts = new Set<string>();
  for (const line of text.split("\n")) {
    const [source, mount, fileSystem] = line.split(" ");
    if (source === undefined || mount === undefined || fileSystem === undefined) continue;
    if (mount === "/" || (source.startsWith("/dev/") && !readOnlyImages.has(fileSystem))) mounts.add(unescapeOctal(mount));
  }
  return [...mounts];
}

/** PRETTY_NAME of os-release(5), "" when it has none. */
export function parseOsRelease(text: string): string {
  const value = /^PRETTY_NAME=(.*)$/m.exec(text)?.[1] ?? "";
  return value.replace(/^(["'])(.*)\1$/, "$2");
}

/** Blanks in mount points appear as \040 (fstab(5)). */
function unescapeOctal(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
}

/** The value of the first line "name : value". */
function field(text: string, name: string): string | undefined {
  for (const line of text.split("\n")) {
    const colon = line.indexOf(":");
    if (colon > 0 && line.slice(0, colon).trim() === name) return line.slice(colon + 1).trim();
  }
  return undefined;
}
