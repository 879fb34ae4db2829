/** A run's results as files. */
import t from "tap";
import type { Report } from "../../../../controller/deploy/recipe.js";
import { reportFiles } from "../../../../controller/reports/report-files.js";
import { isGolden } from "../../../support/golden.js";

const table: Report = {
  kind: "table",
  name: "report",
  title: "Redis 761",
  columns: ["mode", "runs", "down s"],
  rows: [
    ["vanilla, cold", 3, 41.234567],
    ["phx", 12, 0.3],
  ],
};
const chart: Report = {
  kind: "chart",
  name: "throughput",
  title: 'Throughput <around> the "fault" & after',
  xLabel: "time [s]",
  yLabel: "requests per second",
  series: [
    {
      name: "vanilla",
      points: [
        [0, 42_000],
        [1, 41_500.5],
        [2, 0],
        [3, Number.NaN],
        [4, 30_000],
      ],
    },
    {
      name: "phx",
      points: [
        [0, 42_100],
        [4, 42_000],
      ],
    },
  ],
  marks: [
    { x: 2, label: "fault" },
    { x: 4, label: "vanilla serves again" },
  ],
};

const texts = (...reports: Report[]) => Object.fromEntries(reportFiles(reports).map((file) => [file.name, file.text]));

void t.test("a table is text with aligned columns, and CSV with every digit", (t) => {
  t.same(texts(table), {
    "report.txt": [
      "Redis 761",
      "",
      "mode           runs   down s",
      "vanilla, cold     3  41.2346",
      "phx              12      0.3",
      "",
    ].join("\n"),
    "report.csv": 'mode,runs,down s\n"vanilla, cold",3,41.234567\nphx,12,0.3\n',
  });
  t.end();
});

void t.test("a chart is CSV, a line a point, and an SVG that stands alone", (t) => {
  const files = texts(chart);
  t.equal(
    files["throughput.csv"],
    "series,time [s],requests per second\nvanilla,0,42000\nvanilla,1,41500.5\nvanilla,2,0\nvanilla,3,NaN\nvanilla,4,30000\n" +
      "phx,0,42100\nphx,4,42000\nfault,2,\nvanilla serves again,4,\n",
  );
  const svg = files["throughput.svg"] ?? "";
  isGolden(t, "throughput.svg", svg);
  t.notOk(/<script|NaN|undefined|http(?!:\/\/www\.w3\.org)/.test(svg), "no script, nothing from elsewhere, no place that is none");
  t.match(svg, "Throughput &lt;around&gt; the &quot;fault&quot; &amp; after");
  t.match(svg, "prefers-color-scheme:dark");
  t.end();
});

void t.test("a chart of nothing, of one point, or of many equal ones is drawn all the same", (t) => {
  const flat = Array.from({ length: 200_000 }, (_, index): [number, number] => [index, 7]);
  for (const points of [[], [[5, 0]] as const, flat]) {
    const svg = texts({ ...chart, series: [{ name: "one", points }], marks: [] })["throughput.svg"] ?? "";
    t.match(svg, /^<svg .*<\/svg>\n$/s);
    t.notOk(/NaN|Infinity/.test(svg));
  }
  t.end();
});

void t.test("a table and a chart of one name do not overwrite each other, and no name leaves the folder", (t) => {
  t.same(Object.keys(texts(table, { ...chart, name: "report" }, { ...table, name: "../../etc/a b" })), [
    "report.txt",
    "report.csv",
    "report-2.csv",
    "report-2.svg",
    "etc-a-b.txt",
    "etc-a-b.csv",
  ]);
  t.end();
});
