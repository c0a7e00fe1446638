/// <reference types="node" preserve="true" />
/**
 * `@demikernel/bench`: what every package's benchmark is built from. A comparison here is made of interleaved rounds in one
 * invocation, on pinned CPUs, and reported as medians and quartiles of paired ratios, with CPU time beside wall time.
 */
export { type Application, echoApplication } from "./application.js";
export { Child, type ChildOptions } from "./child.js";
export { buildWithCMake, type CMakeProject } from "./cmake.js";
export { type Comparison, compare, type Figure, type Row, type Series as SideSeries } from "./comparison.js";
export {
  comparisonHead,
  comparisonSubtitle,
  comparisonTable,
  finishComparison,
  type LeftOut,
  latencyPlot,
  type RatioBoxes,
  ratioPlot,
} from "./comparison-report.js";
export { type GarbageCollection, GarbageObserver } from "./gc.js";
export { answerLoads, Generator, type GeneratorOptions, type TimedLoad } from "./generator.js";
export { atLeast, atMost, type Goal, goalLine } from "./goals.js";
export { Histogram, type HistogramBuckets, type LatencySummary } from "./histogram.js";
export {
  type ComparisonKinds,
  type ComparisonOptions,
  parseComparisonOptions,
  readComparisonOptions,
} from "./options.js";
export { allowedCpus, canPin, type Placement, parseCpuList, pinned, placeServerAndGenerator } from "./pin.js";
export { type Box, boxPlot, type LinePoint, linePlot, type PlotOptions, type Series } from "./plot.js";
export { lower, raise, raised, useRealtime, whileRunning } from "./priority.js";
export { Progress, type ProgressStream } from "./progress.js";
export { freshSeed, seededRandom, shuffled } from "./random.js";
export { type Circumstances, circumstances, describe, type ReportFiles, writeReport } from "./report.js";
export { type Candidate, interleave, type Rounds, type RoundsOptions } from "./rounds.js";
export { processCpuNanoseconds, threadCpuNanoseconds } from "./schedstat.js";
export {
  answerClosedLoops,
  KeptPair,
  KeptServer,
  measurePrograms,
  type ProgramPair,
  type Sample,
  type Side,
  type SideLoad,
} from "./sides.js";
export { bestPerRound, median, pairedRatios, type Quartiles, quantile, quartiles } from "./statistics.js";
export { figure, spread, table, thousands } from "./table.js";
export { builtPackage } from "./workspace.js";
