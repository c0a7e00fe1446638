/** SVG as text: elements, escaping, and the frame (title, axes, grid, legend) that every plot has. No DOM needed. */

export type Attributes = Readonly<Record<string, string | number>>;

/** One element; `content` is markup already. Throws RangeError for a number that is not finite: a plot must not lie quietly. */
export function element(name: string, attributes: Attributes, content = ""): string {
  const written = Object.entries(attributes).map(([key, value]) => {
    if (typeof value === "number" && !Number.isFinite(value)) throw new RangeError(`${key}=${value} in <${name}>`);
    return ` ${key}="${typeof value === "number" ? Math.round(value * 100) / 100 : escapeText(value)}"`;
  });
  return content === "" ? `<${name}${written.join("")}/>` : `<${name}${written.join("")}>${content}</${name}>`;
}

export function text(content: string, attributes: Attributes): string {
  return element("text", attributes, escapeText(content));
}

function escapeText(raw: string): string {
  return raw.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;").replace(/"/g, "&quot;");
}

/** Eight colours that colour-blind readers can tell apart (Okabe and Ito), the palest last. */
export const palette = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#e69f00", "#000000", "#999999"];

/** Outer size, and the part of it inside the axes. Pixels. */
export interface Frame {
  width: number;
  height: number;
  left: number;
  right: number;
  top: number;
  bottom: number;
}

export interface Labels {
  title: string;
  subtitle?: string;
  x: string;
  y: string;
}

/** Room for the labels around, and for a legend of the given names to the right. */
export function frame(width: number, height: number, legend: readonly string[]): Frame {
  const longest = Math.max(0, ...legend.map((name) => name.length));
  return {
    width,
    height,
    left: 70,
    right: width - (longest === 0 ? 20 : 50 + 7 * longest),
    top: 56,
    bottom: height - 56,
  };
}

/** Title and axis titles. */
export function labels(at: Frame, said: Labels): string[] {
  const middle = (at.left + at.right) / 2;
  const parts = [
    text(said.title, { x: at.left, y: 24, "font-size": 16, "font-weight": "bold" }),
    text(said.x, { x: middle, y: at.height - 14, "text-anchor": "middle" }),
    text(said.y, { transform: `translate(18 ${(at.top + at.bottom) / 2}) rotate(-90)`, "text-anchor": "middle" }),
  ];
  if (said.subtitle) parts.push(text(said.subtitle, { x: at.left, y: 42, fill: "#555", "font-size": 11 }));
  return parts;
}

/** What an axis needs of a scale; those of d3-scale have more. */
export interface AxisScale {
  (value: number): number;
  ticks(count: number): number[];
}

/** The y axis with a grid line a tick. */
export function yAxis(at: Frame, scale: AxisScale): string[] {
  const ticks = readable(scale.ticks(6));
  return ticks.flatMap((tick) => {
    const y = scale(tick);
    return [
      element("line", { x1: at.left, x2: at.right, y1: y, y2: y, stroke: "#ddd" }),
      text(tickLabel(tick), { x: at.left - 8, y: y + 4, "text-anchor": "end" }),
    ];
  });
}

/** The x axis: a mark and a name at each place. */
export function xAxis(at: Frame, places: readonly { x: number; name: string }[]): string[] {
  const axis = element("line", { x1: at.left, x2: at.right, y1: at.bottom, y2: at.bottom, stroke: "#333" });
  const marks = places.flatMap(({ x, name }) => [
    element("line", { x1: x, x2: x, y1: at.bottom, y2: at.bottom + 5, stroke: "#333" }),
    text(name, { x, y: at.bottom + 19, "text-anchor": "middle" }),
  ]);
  return [axis, ...marks];
}

/** Names with their colours, to the right of the plot. */
export function legend(at: Frame, names: readonly string[], colours: readonly string[]): string[] {
  return names.flatMap((name, index) => {
    const y = at.top + 10 + index * 20;
    return [
      element("line", {
        x1: at.right + 12,
        x2: at.right + 34,
        y1: y,
        y2: y,
        stroke: colours[index],
        "stroke-width": 3,
      }),
      text(name, { x: at.right + 40, y: y + 4 }),
    ];
  });
}

/** The document. */
export function svgDocument(at: Frame, parts: readonly string[]): string {
  const background = element("rect", { x: 0, y: 0, width: at.width, height: at.height, fill: "#fff" });
  const attributes = {
    xmlns: "http://www.w3.org/2000/svg",
    width: at.width,
    height: at.height,
    viewBox: `0 0 ${at.width} ${at.height}`,
    "font-family": "Helvetica, Arial, sans-serif",
    "font-size": 12,
    fill: "#222",
  };
  return `${element("svg", attributes, [background, ...parts].join("\n"))}\n`;
}

/** Of the nine ticks a decade that a log scale offers, 1, 2 and 5. A linear scale offers few and keeps all. */
function readable(ticks: readonly number[]): readonly number[] {
  if (ticks.length <= 10) return ticks;
  return ticks.filter((tick) => /^[125]/.test(tick.toExponential()));
}

/** 0.02, 1, 500, 2k, 1.5M: d3's own labels of a log scale leave most ticks without one. */
function tickLabel(tick: number): string {
  const size = Math.abs(tick);
  const [unit, suffix] = size >= 1e6 ? [1e6, "M"] : size >= 1e3 ? [1e3, "k"] : [1, ""];
  return `${Number((tick / unit).toPrecision(6))}${suffix}`;
}
