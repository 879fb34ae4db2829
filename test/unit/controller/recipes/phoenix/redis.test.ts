import t from "tap";
import type { Verdict } from "../../../../../controller/deploy/recipe.js";
import { experimentParameters, modesOf, phoenixParameters } from "../../../../../controller/recipes/phoenix/parameters.js";
import { judgeReport, parseReport } from "../../../../../controller/recipes/phoenix/redis/report-table.js";
import { judgeServerLog } from "../../../../../controller/recipes/phoenix/redis/server-log.js";
import { judgeThroughput, meanThroughput, parseThroughput } from "../../../../../controller/recipes/phoenix/redis/throughput.js";
import { reports } from "../../../../../controller/recipes/phoenix/reports.js";

const reason = (verdict: Verdict) => (verdict.ok ? "" : verdict.reason);
const start = (us: number) => `RESTART: ${us}\n1:C # oO0OoO0OoO0Oo Redis is starting oO0OoO0OoO0Oo\nNEWREQ: ${us + 9}\n`;

t.test("phx: the fault, and a request after it; the first start's does not count", async (t) => {
  t.match(judgeServerLog({ stdout: `${start(100)}FAULT: 5000\nNEWREQ: 5080\n` }, "phx"), {
    ok: true,
    outputs: { faultUs: 5000, downtimeUs: 80 },
  });
  t.match(reason(judgeServerLog({ stdout: `${start(100)}FAULT: 5000\n` }, "phx")), /a FAULT and no NEWREQ after it/);
  t.match(reason(judgeServerLog({ stdout: start(100) }, "phx")), /no FAULT: the trigger did not crash redis/);
});

t.test("vanilla and builtin: a second start", async (t) => {
  for (const mode of ["vanilla", "builtin"] as const) {
    t.ok(judgeServerLog({ stdout: `${start(100)}FAULT: 5000\n${start(9000)}` }, mode).ok);
    t.match(reason(judgeServerLog({ stdout: start(100) }, mode)), /started once only/);
    t.match(reason(judgeServerLog({ stdout: "" }, mode)), /never started/);
  }
});

t.test("criu: a restore that has failed prints its finish time too", async (t) => {
  t.match(judgeServerLog({ stdout: "Restore start time 1.5\nRestore finish time 8.250\n" }, "criu"), {
    ok: true,
    outputs: { restoredS: 8.25 },
  });
  t.match(
    reason(judgeServerLog({ stdout: "======= CRIU Restore Failed!!! ======\nRestore finish time 8.2\n" }, "criu")),
    /CRIU Restore Failed/,
  );
  t.match(reason(judgeServerLog({ stdout: start(1) }, "criu")), /no Restore finish time/);
});

const load = (reads: readonly number[]) => reads.map((count, index) => `${index + 1} sec: \nREAD: Count=${count}\n`).join("");
const steady = (seconds: number, count = 9000) => Array.from({ length: seconds }, () => count);

t.test("the load must run before the fault, and be served after it", async (t) => {
  t.match(judgeThroughput({ stdout: load([...steady(30), ...steady(10, 0), ...steady(20, 8000)]) }, 30), { ok: true });
  t.match(reason(judgeThroughput({ stdout: load([...steady(31), ...steady(30, 0)]) }, 30)), /no read was served after the fault, in 29 s/);
  t.match(reason(judgeThroughput({ stdout: load([...steady(30, 0), ...steady(10)]) }, 30)), /no read was served before/);
  t.match(reason(judgeThroughput({ stdout: load(steady(31)) }, 30)), /the load ended at second 31/);
  t.match(reason(judgeThroughput({ stdout: "" }, 30)), /did not run/);
});

t.test("a second without a count of reads has none; runs are averaged second by second", async (t) => {
  t.same(parseThroughput("1 sec: \nREAD: Count=5\n2 sec: \n3 sec: \nREAD: Count=7\n"), [
    [1, 5],
    [2, 0],
    [3, 7],
  ]);
  t.same(
    meanThroughput([
      [
        [1, 10],
        [2, 20],
      ],
      [
        [2, 40],
        [3, 6],
      ],
    ]),
    [
      [1, 10],
      [2, 30],
      [3, 6],
    ],
  );
});

t.test("only what is around the fault is kept", async (t) => {
  const verdict = judgeThroughput({ stdout: load(steady(1800)) }, 120);
  const kept = verdict.ok ? (verdict.outputs?.["throughput"] as [number, number][]) : [];
  t.same([kept[0]?.[0], kept.at(-1)?.[0]], [60, 360]);
});

const table = `Mode      Runs  Downtime (s)  5-sec Avail.  90% Time (s)
vanilla\t     3          0.80        3.209%       1649.9
builtin\t     3         53.04       86.988%        177.6
criu\t    N/A         N/A           N/A          N/A
phx\tError: phx server log count 1 != total run count 3
`;
const said = (stdout: string) => ({ exitCode: 0, state: "exited", stdout, stderr: "", startedMs: 1, endedMs: 2 });

t.test("the report's table is read, and every mode asked for must have its runs", async (t) => {
  t.same(parseReport(table), [
    { mode: "vanilla", runs: 3, downtimeS: 0.8, availability5s: 3.209, recovery90S: 1649.9 },
    { mode: "builtin", runs: 3, downtimeS: 53.04, availability5s: 86.988, recovery90S: 177.6 },
  ]);
  t.match(judgeReport(said(table), ["vanilla", "builtin"], 3), { ok: true, outputs: { rows: [{ mode: "vanilla" }, { mode: "builtin" }] } });
  t.match(reason(judgeReport(said(table), ["vanilla"], 2)), /vanilla: the report counts 3 runs, 2 were made/);
  t.match(reason(judgeReport(said(table), ["criu", "phx"], 3)), /criu: no numbers in the report; phx: no numbers in the report/);
  t.match(reason(judgeReport(said("Usage: ./report.sh <result_folder>\n"), ["phx"], 1)), /phx: no numbers/);
});

t.test("outputs make a table with N/A where nothing was run, and a chart with the fault marked", async (t) => {
  const outputs = {
    "run/x0/phx-1": {
      mode: "phx",
      killTimeS: 60,
      throughput: [
        [59, 10],
        [60, 0],
      ],
    },
    "run/x0/phx-2": {
      mode: "phx",
      killTimeS: 60,
      throughput: [
        [59, 20],
        [60, 4],
      ],
    },
    "report/x0": { rows: [{ mode: "phx", runs: 2, downtimeS: 0.08, availability5s: 101, recovery90S: 1 }] },
  };
  t.match(reports(outputs), [
    { kind: "table", name: "recovery", rows: [["vanilla", "N/A", "N/A", "N/A", "N/A"], ["builtin"], ["phx", 2, 0.08, 101, 1], ["criu"]] },
    {
      kind: "chart",
      name: "throughput",
      series: [
        {
          name: "phx",
          points: [
            [59, 15],
            [60, 2],
          ],
        },
      ],
      marks: [{ x: 60, label: "fault" }],
    },
  ]);
  t.same(reports({ "check/x0": { kernelRelease: "5" } }), []);
});

t.test("modes are asked for by name, with commas, or all; each once, in the order of the report", async (t) => {
  const modes = (mode: unknown) => modesOf(experimentParameters.parse({ mode }).mode);
  t.same(modes("all"), ["vanilla", "builtin", "phx", "criu"]);
  t.same(modes("criu,phx,criu"), ["phx", "criu"]);
  t.same(modes(["builtin"]), ["builtin"]);
  t.throws(() => modes("quick"));
  t.equal(experimentParameters.parse({ case: 7445 }).case, "7445");
  t.throws(() => experimentParameters.parse({ case: 1 }));
  t.throws(() => experimentParameters.parse({ group: "a b" }));
  t.match(phoenixParameters.parse({}), { home: "/root", branch: "sosp25", kernelWaitMin: 10, defaultKernel: false, keep: false });
  for (const home of ["/home/ada", "/srv/ada.l_2", "/root"]) t.equal(phoenixParameters.parse({ home }).home, home);
  for (const home of ["~", "/", "/root/", "/root/..", "/root;reboot", "/root&&id", "/root|tee", "/a(b)", "/a b", "/a\nb", "/root#"])
    t.throws(() => phoenixParameters.parse({ home }), home);
});
