import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { boxPlot, linePlot } from "../src/plot.js";
import { writeReport } from "../src/report.js";

/** Checks that a text is one well-formed XML element, and returns the attributes of every element in it. */
function elementsOf(xml: string): { name: string; attributes: Record<string, string> }[] {
  const found: { name: string; attributes: Record<string, string> }[] = [];
  const open: string[] = [];
  const token = /<(\/?)([a-z][\w-]*)((?:\s+[\w:-]+="[^"<]*")*)\s*(\/?)>|([^<]+)/gy;
  let roots = 0;
  while (token.lastIndex < xml.length) {
    const at = token.lastIndex;
    const match = token.exec(xml);
    if (match === null) throw new Error(`not well-formed at ${xml.slice(at, at + 60)}`);
    const [, closing, name, attributes, empty, content] = match;
    if (content !== undefined) {
      if (/&(?!(amp|lt|gt|quot);)/.test(content)) throw new Error(`bare & in ${content}`);
      if (open.length === 0 && content.trim() !== "") throw new Error(`text outside: ${content}`);
    } else if (closing) {
      if (open.pop() !== name) throw new Error(`</${name}> closes nothing`);
    } else {
      if (open.length === 0) roots++;
      if (!empty) open.push(name);
      const pairs = [...attributes.matchAll(/([\w:-]+)="([^"]*)"/g)].map(([, key, value]) => [key, value]);
      if (new Set(pairs.map(([key]) => key)).size !== pairs.length) throw new Error(`attribute twice in <${name}>`);
      found.push({ name, attributes: Object.fromEntries(pairs) });
    }
  }
  if (open.length !== 0 || roots !== 1) throw new Error(`open: ${open}, roots: ${roots}`);
  return found;
}

const series = [
  {
    name: "C epoll",
    points: [
      { x: 1, y: 40, low: 30, high: 55 },
      { x: 16, y: 5 },
      { x: 256, y: 4.5, low: 4, high: 5 },
    ],
  },
  {
    name: `ours <"&'>`,
    points: [
      { x: 1, y: 41 },
      { x: 16, y: 5.1, low: 4.9, high: 5.6 },
      { x: 256, y: 4.4 },
    ],
  },
];
const options = { title: "CPU per request", x: "connections", y: "us" };

describe("line plot", () => {
  test.each(["linear", "log"] as const)("is well-formed SVG with everything inside (%s)", (yScale) => {
    const elements = elementsOf(
      linePlot(series, { ...options, yScale, subtitle: "a & b", threshold: { y: 20, name: "goal" } }),
    );
    expect(elements[0].name).toBe("svg");
    expect(elements[0].attributes.xmlns).toBe("http://www.w3.org/2000/svg");
    expect(elements.filter(({ name }) => name === "path")).toHaveLength(2);
    const dots = elements.filter(({ name }) => name === "circle");
    expect(dots).toHaveLength(6);
    for (const { attributes } of dots) {
      expect(Number(attributes.cx)).toBeGreaterThan(0);
      expect(Number(attributes.cx)).toBeLessThan(Number(elements[0].attributes.width));
      expect(Number(attributes.cy)).toBeGreaterThan(0);
      expect(Number(attributes.cy)).toBeLessThan(Number(elements[0].attributes.height));
    }
  });

  test("puts larger values higher and names every place and series", () => {
    const svg = linePlot(series, options);
    const dots = elementsOf(svg).filter(({ name }) => name === "circle");
    expect(Number(dots[0].attributes.cy)).toBeLessThan(Number(dots[1].attributes.cy));
    expect(Number(dots[1].attributes.cy)).toBeLessThan(Number(dots[2].attributes.cy));
    for (const name of [">1<", ">16<", ">256<", "C epoll", "ours &lt;&quot;&amp;'&gt;", "connections", ">us<"]) {
      expect(svg).toContain(name);
    }
  });

  test("labels every tick in one manner", () => {
    const points = [
      { x: 1, y: 20 },
      { x: 2, y: 15_000 },
    ];
    const svg = linePlot([{ name: "a", points }], { ...options, yScale: "log" });
    const labels = [...svg.matchAll(/text-anchor="end">([^<]*)</g)].map(([, label]) => label);
    expect(labels).toEqual(["20", "50", "100", "200", "500", "1k", "2k", "5k", "10k", "20k"]);
  });

  test("refuses what cannot be drawn", () => {
    expect(() => linePlot([], options)).toThrow(RangeError);
    expect(() => linePlot([{ name: "a", points: [{ x: 1, y: Number.NaN }] }], options)).toThrow(RangeError);
    expect(() => linePlot([{ name: "a", points: [{ x: 1, y: 0 }] }], { ...options, yScale: "log" })).toThrow(
      RangeError,
    );
  });
});

test("box plot draws a box per candidate, its median between its quartiles", () => {
  const svg = boxPlot(
    [
      { name: "16", values: [0.9, 1, 1.1, 1.2, 3], group: "epoll" },
      { name: "64", values: [1, 1, 1, 1], group: "io_uring" },
    ],
    options,
  );
  const elements = elementsOf(svg);
  const outlines = elements.filter(({ name, attributes }) => name === "rect" && attributes["stroke-width"] === "1.5");
  expect(outlines).toHaveLength(2);
  const [top, height] = [Number(outlines[0].attributes.y), Number(outlines[0].attributes.height)];
  const middle = elements.find(
    ({ attributes }) => attributes["stroke-width"] === "3" && attributes.x1 === outlines[0].attributes.x,
  );
  expect(Number(middle?.attributes.y1)).toBeGreaterThan(top);
  expect(Number(middle?.attributes.y1)).toBeLessThan(top + height);
  expect(() => boxPlot([{ name: "empty", values: [] }], options)).toThrow(RangeError);
});

test("a report tells machine, kernel, versions and command line, and no path of the machine", () => {
  const directory = mkdtempSync(join(tmpdir(), "demi-bench-"));
  try {
    const plot = linePlot(series, options);
    const paths = writeReport({ name: "echo", directory, results: { answer: 42 }, plots: { "": plot, p50: plot } });
    expect(paths).toEqual(["echo.json", "echo.svg", "echo-p50.svg"].map((name) => join(directory, name)));
    const text = readFileSync(paths[0], "utf8");
    const { benchmark, circumstances, results } = JSON.parse(text);
    expect({ benchmark, results }).toEqual({ benchmark: "echo", results: { answer: 42 } });
    expect(circumstances.node).toBe(process.version);
    expect(circumstances.kernel).toMatch(/^Linux \d/);
    expect(circumstances.cpus).toBeGreaterThan(0);
    expect(circumstances.commandLine).toMatch(/^node /);
    expect(circumstances.commandLine).not.toContain(process.argv[1]);
    expect(readFileSync(paths[1], "utf8")).toBe(plot);
  } finally {
    rmSync(directory, { recursive: true });
  }
});
