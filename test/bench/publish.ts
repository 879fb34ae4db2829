/** How a benchmark ends: its results as JSON and Markdown, the goals and, when asked for, where the time went. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Goal } from "./goals.js";
import { hotSpots } from "./measure/hot-spots.js";
import { usage } from "./options.js";

export function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

export interface Results {
  /** "power": power.json and power.md. */
  readonly name: string;
  readonly out: string;
  readonly report: string;
  readonly goals: readonly Goal[];
  readonly profile: string | undefined;
  readonly data: object;
}

export async function publish({ name, out, report, goals, profile, data }: Results): Promise<void> {
  await mkdir(out, { recursive: true });
  await writeFile(join(out, `${name}.json`), `${JSON.stringify(data, undefined, 1)}\n`);
  await writeFile(join(out, `${name}.md`), report);
  say(`\n${report}\nwritten: ${join(out, `${name}.md`)} and ${name}.json`);
  if (profile !== undefined) say((await hotSpots(profile)).join("\n"));
  for (const { what, measured, verdict } of goals) say(`${verdict.padEnd(12)} ${what}: ${measured}`);
}

/** Runs a benchmark with the command line; what it throws is said with the usage, and the exit code is 1. */
export async function runAsMain(name: string, main: (argv: readonly string[]) => Promise<void>): Promise<void> {
  try {
    await main(process.argv.slice(2));
  } catch (error) {
    process.stderr.write(`${name}: ${error instanceof Error ? error.message : String(error)}\n${usage}`);
    process.exitCode = 1;
  }
}
