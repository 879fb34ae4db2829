/** A chart as an SVG that stands alone: axes, legend, marks; dark where the reader's screen is dark; no script. */
import { line } from "d3-shape";
import { chartScales, type ChartScales, drawable, type Frame } from "./chart-scales.js";
import type { Chart } from "./kinds.js";
import { element, escape, words } from "./svg.js";

const width = 800;
const plotHeight = 320;
const padding = 20;
const lineHeight = 18;
const yTicks = 6;
/** Few points are measurements, drawn as such; many are a line. */
const dotsUpTo = 60;
/** About what a letter of 12 px takes: nobody here can measure text. */
const letterWidth = 6.8;
/** Colours that people with colour blindness tell apart (Okabe and Ito); dashes tell series apart in print. */
const colours = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9"];
const dashes = ["none", "6 3", "2 3"];

const style = `
text{font:12px system-ui,sans-serif;fill:#1f2328}
.title{font-size:15px;font-weight:600}
.paper{fill:#ffffff}
.grid{stroke:#d8dee4;stroke-width:1}
.axis{stroke:#57606a;stroke-width:1}
.mark{stroke:#cf222e;stroke-width:1.5;stroke-dasharray:5 4}
.mark-label{fill:#cf222e}
.line{fill:none;stroke-width:2;stroke-linejoin:round}
@media (prefers-color-scheme:dark){text{fill:#e6edf3}.paper{fill:#0d1117}.grid{stroke:#30363d}.axis{stroke:#8b949e}.mark{stroke:#ff7b72}.mark-label{fill:#ff7b72}}
`;

/** The whole file. Values that are no numbers have no place and are left out. */
export function chartSvg(chart: Chart): string {
  const legend = legendRows(chart);
  const top = padding + lineHeight + legend.length * lineHeight + markRows(chart) * lineHeight + 20;
  const frame: Frame = { left: 76, right: width - 24, top, bottom: top + plotHeight };
  const height = frame.bottom + 3 * lineHeight;
  const scales = chartScales(chart, frame);
  const parts = [
    element("title", {}, escape(chart.title)),
    element("style", {}, style),
    element("rect", { class: "paper", width, height }),
    words(chart.title, { class: "title", x: padding, y: padding + 4 }),
    ...legend,
    ...axes(chart, scales, frame),
    ...chart.series.map((series, index) => curve(series.points, index, scales)),
    ...marks(chart, scales, frame),
  ];
  const outside = { xmlns: "http://www.w3.org/2000/svg", viewBox: `0 0 ${width} ${height}`, width, height, role: "img" };
  return `${element("svg", outside, ...parts.map((part) => `\n${part}`), "\n")}\n`;
}

function colour(index: number): string {
  return colours[index % colours.length] ?? "#0072b2";
}

function dash(index: number): string {
  return dashes[Math.floor(index / colours.length) % dashes.length] ?? "none";
}

/** Names side by side, as many as a row takes; none for a single series without a name. */
function legendRows({ series }: Chart): string[] {
  const rows: string[][] = [];
  let x = Infinity;
  series.forEach(({ name }, index) => {
    if (name === "" && series.length === 1) return;
    const wide = 34 + name.length * letterWidth;
    if (x + wide > width - padding) {
      x = padding;
      rows.push([]);
    }
    const y = padding + (rows.length + 1) * lineHeight;
    const sample = { x1: x, x2: x + 20, y1: y - 4, y2: y - 4, class: "line", stroke: colour(index), "stroke-dasharray": dash(index) };
    rows.at(-1)?.push(element("line", sample), words(name, { x: x + 26, y }));
    x += wide + 14;
  });
  return rows.map((row) => element("g", {}, ...row));
}

function axes(chart: Chart, { x, y, xTicks }: ChartScales, frame: Frame): string[] {
  const formatX = x.tickFormat(xTicks);
  const formatY = y.tickFormat(yTicks);
  const { left, right, top, bottom } = frame;
  const middle = (top + bottom) / 2;
  return [
    ...y.ticks(yTicks).flatMap((value) => {
      const at = y(value);
      return [
        element("line", { class: "grid", x1: left, x2: right, y1: at, y2: at }),
        words(formatY(value), { x: left - 8, y: at + 4, "text-anchor": "end" }),
      ];
    }),
    ...x.ticks(xTicks).flatMap((value) => {
      const at = x(value);
      return [
        element("line", { class: "axis", x1: at, x2: at, y1: bottom, y2: bottom + 5 }),
        words(formatX(value), { x: at, y: bottom + lineHeight, "text-anchor": "middle" }),
      ];
    }),
    element("line", { class: "axis", x1: left, x2: left, y1: top, y2: bottom }),
    element("line", { class: "axis", x1: left, x2: right, y1: bottom, y2: bottom }),
    words(chart.xLabel, { x: (left + right) / 2, y: bottom + 2 * lineHeight + 2, "text-anchor": "middle" }),
    words(chart.yLabel, { x: 16, y: middle, "text-anchor": "middle", transform: `rotate(-90 16 ${middle})` }),
  ];
}

function curve(points: Chart["series"][number]["points"], index: number, { x, y }: ChartScales): string {
  const drawn = drawable(points);
  const path = line<readonly [number, number]>(
    ([value]) => x(value),
    ([, value]) => y(value),
  )(drawn);
  const dots = drawn.length > dotsUpTo ? [] : drawn.map(([a, b]) => element("circle", { cx: x(a), cy: y(b), r: 3, fill: colour(index) }));
  const stroke = { class: "line", stroke: colour(index), "stroke-dasharray": dash(index) };
  return element("g", {}, ...(path === null || drawn.length < 2 ? [] : [element("path", { ...stroke, d: path })]), ...dots);
}

/** Labels of marks stand above the plot, in turns on up to three rows, so that neighbours do not cover each other. */
function markRows({ marks }: Chart): number {
  return Math.min(3, marks.length);
}

function marks(chart: Chart, { x }: ChartScales, { left, right, top, bottom }: Frame): string[] {
  const rows = markRows(chart);
  return chart.marks
    .filter((mark) => Number.isFinite(mark.x))
    .flatMap((mark, index) => {
      const at = x(mark.x);
      const row = top - 6 - (index % rows) * lineHeight;
      const half = (mark.label.length * letterWidth) / 2;
      const anchor = at + half > right ? "end" : at - half < left ? "start" : "middle";
      return [
        element("line", { class: "mark", x1: at, x2: at, y1: row + 3, y2: bottom }),
        words(mark.label, { class: "mark-label", x: at, y: row, "text-anchor": anchor }),
      ];
    });
}
