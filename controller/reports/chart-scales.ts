/** From values to places on paper. */
import { scaleLinear, type ScaleLinear } from "d3-scale";
import type { Chart } from "./kinds.js";

export interface Frame {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

export interface ChartScales {
  readonly x: ScaleLinear<number, number>;
  readonly y: ScaleLinear<number, number>;
  /** About how many ticks the x axis takes: none between whole numbers when there is nothing. */
  readonly xTicks: number;
}

const mostXTicks = 8;

/** x: as far as points and marks go. y: from 0, for amounts and rates compare by their height; below it only where values are. */
export function chartScales(chart: Chart, frame: Frame): ChartScales {
  const points = chart.series.flatMap((each) => drawable(each.points));
  const xs = [...points.map(([x]) => x), ...chart.marks.map((mark) => mark.x).filter(Number.isFinite)];
  const ys = [0, ...points.map(([, y]) => y)];
  const x = extent(xs);
  return {
    x: scaleLinear(x, [frame.left, frame.right]),
    xTicks: xs.every(Number.isInteger) ? Math.min(mostXTicks, x[1] - x[0]) : mostXTicks,
    y: scaleLinear(extent(ys), [frame.bottom, frame.top]).nice(),
  };
}

/** The points that have a place. */
export function drawable(points: readonly (readonly [number, number])[]): readonly (readonly [number, number])[] {
  return points.filter((point) => point.every(Number.isFinite));
}

function extent(values: readonly number[]): [number, number] {
  if (values.length === 0) return [0, 1];
  // Not Math.min(...values): a long run has more points than a call takes arguments.
  const low = values.reduce((a, b) => Math.min(a, b));
  const high = values.reduce((a, b) => Math.max(a, b));
  return low === high ? [low - (low === 0 ? 0 : 1), high + 1] : [low, high];
}
