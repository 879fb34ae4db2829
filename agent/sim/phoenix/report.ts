/** report.sh RESULTS: a row for every mode, from all logs that are in the folder, whoever made them (facts: Phoenix §2). */
import { existsSync, readdirSync } from "node:fs";
import type { Tool, ToolCall } from "../tools/tool.js";

const modes = ["vanilla", "builtin", "criu", "phx"] as const;

export const report: Tool = (call) => {
  const [folder = ""] = call.argv;
  if (!existsSync(call.machine.host(folder))) call.out("Usage: ./report.sh <result_folder>\n");
  call.out("Mode      Runs  Downtime (s)  5-sec Avail.  90% Time (s)\n");
  for (const mode of modes) call.out(`${mode}\t${row(call, folder, mode)}\n`);
  return 0;
};

function row(call: ToolCall, folder: string, mode: string): string {
  const texts = (kind: string) =>
    (existsSync(call.machine.host(folder)) ? readdirSync(call.machine.host(folder)) : [])
      .filter((name) => name.startsWith(`${mode}-`) && name.endsWith(`-${kind}.log`))
      .map((name) => call.machine.read(`${folder}/${name}`) ?? "");
  const downs = texts("server").flatMap((text) => serverDowntime(text) ?? []);
  const drops = texts("ycsb").map((text) => findDrop(readCounts(text), mode === "criu" ? 100 : 0));
  if (drops.length === 0) return "    N/A         N/A           N/A          N/A";
  if (downs.length > 0 && downs.length !== drops.length)
    return `Error: phx server log count ${downs.length} != total run count ${drops.length}`;
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / drops.length;
  const downtime = mean(downs.length > 0 ? downs : drops.map((drop) => drop.downtimeS));
  const recovery = Math.max(mean(drops.map((drop) => drop.recovery90S)) - downtime, 1);
  const numbers = [
    downtime.toFixed(2).padStart(12),
    `${mean(drops.map((drop) => drop.availability5s))
      .toFixed(3)
      .padStart(12)}%`,
  ];
  return `${String(drops.length).padStart(6)}  ${numbers.join(" ")} ${recovery.toFixed(1).padStart(12)}`;
}

/** From the fault to the last NEWREQ or the restore's finish, in seconds; undefined without a fault. */
function serverDowntime(text: string): number | undefined {
  let [fault, back]: [number | undefined, number] = [undefined, 0];
  for (const line of text.split("\n")) {
    const [name, value] = line.split(" ");
    if (name === "FAULT:") fault = Number(value) / 1e6;
    else if (name === "NEWREQ:" && fault !== undefined) back = Number(value) / 1e6;
    else if (line.startsWith("Restore finish time") && fault !== undefined) back = Number(line.split(" ")[3]);
  }
  return fault === undefined ? undefined : back - fault;
}

function readCounts(text: string): number[] {
  return [...text.matchAll(/READ: Count=(\d+),/g)].map((match) => Number(match[1]));
}

/** finddrop.py: the first tenfold drop, else second 120; then how far it was back after 5 s, and when at 90 %. */
function findDrop(values: readonly number[], from: number): { downtimeS: number; availability5s: number; recovery90S: number } {
  const at = (index: number) => values[Math.min(Math.max(index, 0), values.length - 1)] ?? 0;
  const found = values.findIndex((value, index) => index >= from && index + 1 < values.length && value > 10 * at(index + 1));
  const drop = found < 0 ? 120 : found + 1;
  const stable = values.slice(Math.max(0, drop - 5), drop).reduce((sum, value) => sum + value, 0) / 5;
  const returned = values.findIndex((value, index) => index >= drop && value > 2 * at(drop));
  const back = returned < 0 ? 120 : returned;
  const recovered = values.findIndex((value, index) => index >= drop && value >= 0.9 * stable);
  return {
    downtimeS: back - (drop - 5),
    availability5s: (at(back + 4) / stable) * 100,
    recovery90S: recovered < 0 ? values.length - drop : recovered - drop,
  };
}
