/** Where the CPU time of our processes went: the functions of V8's CPU profiles with the most time of their own. */
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";

interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

const waiting = new Set(["(idle)", "(root)"]);

/** One line a function, of the `count` hottest, of each profile in `directory`. */
export async function hotSpots(directory: string, count = 15): Promise<readonly string[]> {
  const names = (await readdir(directory)).filter((name) => name.endsWith(".cpuprofile")).sort();
  const told = names.map(async (name) => {
    const profile = JSON.parse(await readFile(join(directory, name), "utf8")) as CpuProfile;
    return [name, ...hottest(profile, count)];
  });
  return (await Promise.all(told)).flat();
}

function hottest({ nodes, samples, timeDeltas }: CpuProfile, count: number): readonly string[] {
  const names = new Map(nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]));
  const ownUs = new Map<string, number>();
  let allUs = 0;
  samples.forEach((id, i) => {
    const name = names.get(id) ?? "?";
    const us = timeDeltas[i] ?? 0;
    if (waiting.has(name)) return;
    allUs += us;
    ownUs.set(name, (ownUs.get(name) ?? 0) + us);
  });
  const hot = [...ownUs].sort(([, a], [, b]) => b - a).slice(0, count);
  return hot.map(([name, us]) => `  ${(us / 1000).toFixed(1).padStart(8)} ms ${((100 * us) / allUs).toFixed(1).padStart(5)} %  ${name}`);
}

function nameOf({ functionName, url, lineNumber }: { functionName: string; url: string; lineNumber: number }): string {
  const name = functionName || "(anonymous)";
  return url === "" ? name : `${name} ${url.replace(/^.*\/dist\//, "")}:${lineNumber + 1}`;
}
