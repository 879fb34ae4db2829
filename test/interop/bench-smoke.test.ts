/** The benchmarks' harness at work: two simulated BMCs, no peers, no figures that anybody believes. */
import { existsSync } from "node:fs";
import t from "tap";
import { powerScripts } from "../bench/farm/power-scripts.js";
import { describeMachine } from "../bench/measure/machine.js";
import { powerGoals } from "../bench/power/goals.js";
import { keptSessions, newSessions, ourTools } from "../bench/power/ours.js";
import { runPower } from "../bench/power/run.js";
import { powerReport, summarize } from "../bench/power/summary.js";
import { missingPrograms } from "../bench/programs.js";
import { checkLines } from "../bench/sol/console-lines.js";
import { ourDaemon } from "../bench/sol/ours.js";
import { runSol } from "../bench/sol/run.js";
import { solGoals, summarize as summarizeSol } from "../bench/sol/summary.js";
import { withWorkbench } from "../bench/workbench.js";

const skip = missingPrograms(["ipmi_sim", "cc"]) ?? false;
/** A port that not only root may bind: of addresses nobody else uses. */
const port = 6230;
const say = () => undefined;

t.test("power of two BMCs is measured, and how often it was switched is counted at the BMCs", { skip, timeout: 60_000 }, async (t) => {
  const tools = ourTools(undefined).filter(({ name }) => name === keptSessions || name === newSessions);
  let scratch = "";
  const samples = await withWorkbench((bench) => {
    scratch = bench.directory;
    return runPower(bench, { sizes: [2], runs: 1, scripts: ["quick"], tools, port, say });
  });
  t.notOk(existsSync(scratch), "nothing is left behind");
  const kept = samples.filter(({ tool }) => tool === keptSessions);
  t.same(
    kept.map(({ action, executions, succeeded, asAsked }) => [action, executions.off, executions.on, succeeded, asAsked]),
    [
      ["stat", 0, 0, 2, 2],
      ["on", 0, 2, 2, 2],
      ["off", 2, 0, 2, 2],
      ["cycle", 2, 2, 2, 2],
    ],
  );
  t.ok(kept[0]!.executions.reads > 2 * kept[0]!.rounds - 1, "every reading reached its BMC");
  for (const { wallMs, cpuMs, peakBytes } of samples) t.ok(wallMs > 0 && cpuMs > 0 && peakBytes > 1e6);
  const summaries = summarize(samples);
  const goals = powerGoals(summaries, 2);
  t.ok(
    goals.every(({ verdict }) => verdict === "NOT MEASURED"),
    "without peers and slow scripts nothing is claimed",
  );
  const report = powerReport(summaries, goals, describeMachine(["ipmi_sim"]), []);
  t.match(report, /labd, kept sessions: cycle/);
  t.match(report, new RegExp(powerScripts[0]!.about));
});

t.test("two consoles are captured whole, and their lines are checked", { skip, timeout: 60_000 }, async (t) => {
  const loads = () => [{ name: "saturated", lines: 300, bytesPerS: 0 } as const];
  const plan = { sizes: [2], loads, runs: 1, settleMs: 0, daemons: [ourDaemon(undefined)], port, say };
  const samples = await withWorkbench((bench) => runSol(bench, plan));
  t.same(
    samples.map(({ lines, losses }) => ({ lines, losses })),
    [{ lines: { right: 600, missing: 0, repeated: 0, reordered: 0, damaged: 0 }, losses: [] }],
  );
  t.ok((samples[0]?.cpuMs ?? 0) > 0);
  const whole = solGoals(summarizeSol(samples)).find(({ what }) => what.includes("no line missing"));
  t.equal(whole?.verdict, "PASS");
});

t.test("the check of lines finds what is missing, repeated, reordered and damaged", async (t) => {
  const line = (number: number, console = 3, round = 7) =>
    `c${String(console).padStart(4, "0")} ${String(number).padStart(8, "0")} ${"1".repeat(19)} r${String(round).padStart(3, "0")}....\n`;
  const expected = { console: 3, round: 7, lines: 4 };
  const whole = [0, 1, 2, 3].map((number) => line(number)).join("");
  const right = { right: 4, missing: 0, repeated: 0, reordered: 0, damaged: 0 };
  t.same(checkLines(whole, expected), right);
  t.same(checkLines(`rest of a li\n${line(9, 3, 6)}${whole}`, expected), right, "what the BMC held from before is not of this round");
  t.same(checkLines(line(0) + line(1) + line(3), expected), { ...right, right: 3, missing: 1 });
  t.same(checkLines(whole + line(2), expected), { ...right, repeated: 1 });
  t.same(checkLines(line(0) + line(2) + line(1) + line(3), expected), { ...right, reordered: 1 });
  t.same(checkLines(`${line(0)}${line(1).slice(9)}${line(2)}${line(3)}`, expected), { ...right, right: 3, missing: 1, damaged: 1 });
  t.same(checkLines(`${line(0)}${line(1, 4)}${line(2)}${line(3)}`, expected), { ...right, right: 3, missing: 1, damaged: 1 });
  t.same(checkLines(`${line(0)}<It> says\r\n${line(1)}${line(2)}${line(3)}`, { ...expected, remark: /^<It> / }), right);
});
