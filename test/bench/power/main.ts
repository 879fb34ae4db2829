/** `npm run bench:power`: see docs/benchmarks/README.md. */
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { rmcpPort } from "../farm/addresses.js";
import { powerScripts } from "../farm/power-scripts.js";
import { hotSpots } from "../measure/hot-spots.js";
import { describeMachine } from "../measure/machine.js";
import { goalsTable } from "../measure/markdown.js";
import { parseBenchOptions, usage } from "../options.js";
import { missingPrograms } from "../programs.js";
import { withWorkbench } from "../workbench.js";
import { powerGoals } from "./goals.js";
import { ipmipowerTools } from "./ipmipower.js";
import { ipmitoolTools } from "./ipmitool.js";
import { ourTools } from "./ours.js";
import { powermanTool } from "./powerman.js";
import { runPower } from "./run.js";
import { powerReport, summarize } from "./summary.js";

const say = (text: string) => void process.stdout.write(`${text}\n`);

async function main(argv: readonly string[]): Promise<void> {
  const { sizes, runs, out, profile, ...chosen } = parseBenchOptions(argv);
  const missing = missingPrograms(["ipmi_sim", "cc"]);
  if (missing !== undefined) throw new Error(`no farm without its programs: ${missing}`);
  const all = [...ourTools(profile), ...ipmipowerTools, ...ipmitoolTools, powermanTool];
  const tools = all.filter(({ name }) => chosen.tools?.some((each) => name.startsWith(each)) ?? true);
  const scripts = powerScripts.map(({ name }) => name).filter((name) => chosen.scripts?.includes(name) ?? true);
  const machine = describeMachine(["ipmi_sim", ...tools.flatMap(({ needs }) => needs)]);
  const skipped = tools.flatMap(({ name, needs }) => {
    const lacking = missingPrograms(needs);
    return lacking === undefined ? [] : [`Skipped: ${name}; ${lacking}.`];
  });
  const samples = await withWorkbench((bench) => runPower(bench, { sizes, runs, scripts, tools, port: rmcpPort, say }));
  const summaries = summarize(samples);
  const goals = powerGoals(summaries, Math.max(...sizes));
  const report = powerReport(summaries, goals, machine, skipped);
  await mkdir(out, { recursive: true });
  await writeFile(join(out, "power.json"), `${JSON.stringify({ machine, runs, goals, summaries, samples }, undefined, 1)}\n`);
  await writeFile(join(out, "power.md"), report);
  say(`\n${report}\nwritten: ${join(out, "power.md")}, ${join(out, "power.json")}\n\n${goalsTable(goals)}`);
  if (profile !== undefined) say((await hotSpots(profile)).join("\n"));
}

main(process.argv.slice(2)).catch((error: unknown) => {
  process.stderr.write(`bench:power: ${error instanceof Error ? error.message : String(error)}\n${usage}`);
  process.exitCode = 1;
});
