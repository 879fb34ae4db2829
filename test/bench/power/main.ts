/** `npm run bench:power`: see docs/benchmarks/README.md. */
import { rmcpPort } from "../farm/addresses.js";
import { powerScripts } from "../farm/power-scripts.js";
import { describeMachine } from "../measure/machine.js";
import { parseBenchOptions } from "../options.js";
import { missingPrograms } from "../programs.js";
import { publish, runAsMain, say } from "../publish.js";
import { withWorkbench } from "../workbench.js";
import { powerGoals } from "./goals.js";
import { ipmipowerTools } from "./ipmipower.js";
import { ipmitoolTools } from "./ipmitool.js";
import { ourTools } from "./ours.js";
import { powermanTool } from "./powerman.js";
import { runPower } from "./run.js";
import { powerReport, summarize } from "./summary.js";

await runAsMain("bench:power", async (argv) => {
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
  await publish({ name: "power", out, report, goals, profile, data: { machine, runs, goals, summaries, samples } });
});
