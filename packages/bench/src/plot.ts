/** Line and box plots of benchmark results, as SVG text. */
import { type ScaleContinuousNumeric, scaleBand, scaleLinear, scaleLog, scalePoint } from "d3-scale";
import { line } from "d3-shape";
import { quantile } from "./statistics.js";
import {
  element,
  type Frame,
  frame,
  type Labels,
  labels,
  legend,
  palette,
  svgDocument,
  text,
  xAxis,
  yAxis,
} from "./svg.js";

/** A value at a named place of the x axis, with its quartiles if known. */
export interface LinePoint {
  x: string | number;
  y: number;
  low?: number;
  high?: number;
}

export interface Series {
  name: string;
  points: readonly LinePoint[];
}

export interface PlotOptions extends Labels {
  /** Pixels, default 760 by 420. */
  width?: number;
  height?: number;
  /** Default linear, starting at 0. A log axis shows positive values only. */
  yScale?: "linear" | "log";
  /** A goal or limit: a dashed line across. */
  threshold?: { y: number; name: string };
}

/**
 * One line per series over x places in the order they first occur, evenly spaced (connections and batch sizes double from one to the
 * next). Bars show the quartiles. Throws RangeError when there is nothing to draw or a value cannot be drawn.
 */
export function linePlot(series: readonly Series[], options: PlotOptions): string {
  const points = series.flatMap((one) => one.points);
  if (points.length === 0) throw new RangeError("a plot of nothing");
  const names = series.map((one) => one.name);
  const at = frame(options.width ?? 760, options.height ?? 420, names);
  const places = [...new Set(points.map((point) => String(point.x)))];
  const x = scalePoint(places, [at.left, at.right]).padding(0.5);
  const place = (point: LinePoint): number => x(String(point.x)) ?? 0;
  const values = points.flatMap((point) => [point.y, point.low ?? point.y, point.high ?? point.y]);
  const y = valueScale(at, values, options);
  const colours = series.map((_, index) => palette[index % palette.length]);
  const path = line<LinePoint>(place, (point) => y(point.y));

  const drawn = series.flatMap((one, index) => {
    const colour = colours[index];
    // Bars of several series at one place would hide each other.
    const shift = (index - (series.length - 1) / 2) * 3;
    const bars = one.points
      .filter((point) => point.low !== undefined && point.high !== undefined)
      .map((point) =>
        element("line", {
          x1: place(point) + shift,
          x2: place(point) + shift,
          y1: y(point.low ?? point.y),
          y2: y(point.high ?? point.y),
          stroke: colour,
          "stroke-width": 1.5,
          "stroke-opacity": 0.6,
        }),
      );
    const dots = one.points.map((point) => element("circle", { cx: place(point), cy: y(point.y), r: 3, fill: colour }));
    const stroke = { d: path(one.points as LinePoint[]) ?? "", fill: "none", stroke: colour, "stroke-width": 2 };
    return [...bars, element("path", stroke), ...dots];
  });
  const axes = xAxis(
    at,
    places.map((name) => ({ x: x(name) ?? 0, name })),
  );
  const parts = [...labels(at, options), ...yAxis(at, y), ...axes, ...threshold(at, y, options), ...drawn];
  return svgDocument(at, [...parts, ...legend(at, names, colours)]);
}

/** Values of one candidate. */
export interface Box {
  name: string;
  values: readonly number[];
  /** Boxes of one group have one colour and stand in the legend once. */
  group?: string;
}

/**
 * A box (quartiles, median) with whiskers to the 5th and 95th percentile per candidate, and each value as a dot. Throws RangeError
 * when there is nothing to draw or a value cannot be drawn.
 */
export function boxPlot(boxes: readonly Box[], options: PlotOptions): string {
  const values = boxes.flatMap((box) => box.values);
  if (values.length === 0 || boxes.some((box) => box.values.length === 0)) throw new RangeError("a plot of nothing");
  const groups = [...new Set(boxes.flatMap((box) => box.group ?? []))];
  const at = frame(options.width ?? 760, options.height ?? 420, groups);
  const x = scaleBand(
    boxes.map((box) => box.name),
    [at.left, at.right],
  ).padding(0.35);
  const y = valueScale(at, values, options);
  const colours = groups.map((_, index) => palette[index % palette.length]);

  const drawn = boxes.flatMap((box) => {
    const colour = box.group === undefined ? palette[0] : colours[groups.indexOf(box.group)];
    const left = x(box.name) ?? 0;
    const right = left + x.bandwidth();
    const middle = (left + right) / 2;
    const [low, q1, mid, q3, high] = [0.05, 0.25, 0.5, 0.75, 0.95].map((q) => y(quantile(box.values, q)));
    const stroke = { stroke: colour, "stroke-width": 1.5 };
    return [
      element("line", { x1: middle, x2: middle, y1: low, y2: high, ...stroke }),
      element("rect", { x: left, y: q3, width: right - left, height: Math.max(1, q1 - q3), fill: "#fff", ...stroke }),
      element("rect", {
        x: left,
        y: q3,
        width: right - left,
        height: Math.max(1, q1 - q3),
        fill: colour,
        "fill-opacity": 0.2,
      }),
      element("line", { x1: left, x2: right, y1: mid, y2: mid, stroke: colour, "stroke-width": 3 }),
      ...box.values.map((value) =>
        element("circle", { cx: middle, cy: y(value), r: 2, fill: colour, "fill-opacity": 0.5 }),
      ),
    ];
  });
  const axes = xAxis(
    at,
    boxes.map((box) => ({ x: (x(box.name) ?? 0) + x.bandwidth() / 2, name: box.name })),
  );
  const parts = [...labels(at, options), ...yAxis(at, y), ...axes, ...threshold(at, y, options), ...drawn];
  return svgDocument(at, [...parts, ...legend(at, groups, colours)]);
}

function valueScale(
  at: Frame,
  values: readonly number[],
  options: PlotOptions,
): ScaleContinuousNumeric<number, number> {
  const all = options.threshold === undefined ? values : [...values, options.threshold.y];
  if (!all.every(Number.isFinite)) throw new RangeError("a plot of values that are not finite");
  const range = [at.bottom, at.top];
  if (options.yScale === "log") {
    if (all.some((value) => !(value > 0))) throw new RangeError("a log axis shows positive values only");
    const domain = [stepBelow(Math.min(...all)), stepAbove(Math.max(...all))];
    return scaleLog().domain(domain).range(range);
  }
  return scaleLinear()
    .domain([Math.min(0, ...all), Math.max(...all)])
    .range(range)
    .nice();
}

// A log axis ends at 1, 2 or 5 times a power of ten: whole decades would leave half of the plot empty.
function stepBelow(value: number): number {
  return steps(value).findLast((step) => step <= value) ?? value;
}

function stepAbove(value: number): number {
  return steps(value).find((step) => step >= value) ?? value;
}

function steps(value: number): number[] {
  const decade = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 5, 10].map((step) => step * decade);
}

function threshold(at: Frame, y: ScaleContinuousNumeric<number, number>, options: PlotOptions): string[] {
  if (options.threshold === undefined) return [];
  const height = y(options.threshold.y);
  return [
    element("line", { x1: at.left, x2: at.right, y1: height, y2: height, stroke: "#b00", "stroke-dasharray": "6 4" }),
    text(options.threshold.name, { x: at.right - 4, y: height - 5, fill: "#b00", "text-anchor": "end" }),
  ];
}
