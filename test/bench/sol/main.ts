/** `npm run bench:sol`: see docs/benchmarks/README.md. */
import { rmcpPort } from "../farm/addresses.js";
import { describeMachine } from "../measure/machine.js";
import { parseBenchOptions } from "../options.js";
import { missingPrograms } from "../programs.js";
import { publish, runAsMain, say } from "../publish.js";
import { withWorkbench } from "../workbench.js";
import { conman } from "./conman.js";
import { ourDaemon } from "./ours.js";
import { loadsFor, patientSettleMs as settleMs, runSol } from "./run.js";
import { solGoals, solReport, summarize } from "./summary.js";

await runAsMain("bench:sol", async (argv) => {
  const { sizes, runs, out, profile, tools } = parseBenchOptions(argv);
  const missing = missingPrograms(["ipmi_sim", "cc"]);
  if (missing !== undefined) throw new Error(`no farm without its programs: ${missing}`);
  const all = [ourDaemon(profile), conman];
  const daemons = all.filter(({ name }) => tools?.some((each) => name.startsWith(each)) ?? true);
  const machine = describeMachine(["ipmi_sim", ...daemons.flatMap(({ needs }) => needs)]);
  const skipped = daemons.flatMap(({ name, needs }) => {
    const lacking = missingPrograms(needs);
    return lacking === undefined ? [] : [`Skipped: ${name}; ${lacking}.`];
  });
  const loads = (bmcs: number) => loadsFor(bmcs, Math.max(...sizes));
  const samples = await withWorkbench((bench) => runSol(bench, { sizes, loads, runs, settleMs, daemons, port: rmcpPort, say }));
  const summaries = summarize(samples);
  const goals = solGoals(summaries);
  const report = solReport(summaries, goals, machine, skipped);
  await publish({ name: "sol", out, report, goals, profile, data: { machine, runs, goals, summaries, samples } });
});
