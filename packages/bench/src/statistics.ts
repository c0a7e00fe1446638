/** Medians, quartiles and paired ratios: what a noisy, shared machine lets one say. */

/** First quartile, median, third quartile. */
export interface Quartiles {
  q1: number;
  median: number;
  q3: number;
}

/** The `q` quantile (0 to 1) with linear interpolation between neighbours. Throws RangeError for no values or a NaN among them. */
export function quantile(values: readonly number[], q: number): number {
  if (values.length === 0) throw new RangeError("quantile of no values");
  if (!(q >= 0 && q <= 1)) throw new RangeError(`quantile ${q} is not within 0 to 1`);
  if (values.some(Number.isNaN)) throw new RangeError("quantile of values that hold NaN");
  const sorted = Float64Array.from(values).sort();
  const position = (sorted.length - 1) * q;
  const below = Math.floor(position);
  const above = Math.min(below + 1, sorted.length - 1);
  return sorted[below] + (sorted[above] - sorted[below]) * (position - below);
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

export function quartiles(values: readonly number[]): Quartiles {
  return { q1: quantile(values, 0.25), median: median(values), q3: quantile(values, 0.75) };
}

/**
 * numerator[i] / denominator[i] for each round. What disturbs a round disturbs both of its values, so the ratio holds where
 * the absolute figures do not. Throws RangeError when the lists differ in length or a denominator is 0.
 */
export function pairedRatios(numerator: readonly number[], denominator: readonly number[]): number[] {
  if (numerator.length !== denominator.length) {
    throw new RangeError(`paired ratios of ${numerator.length} and ${denominator.length} values`);
  }
  return numerator.map((value, round) => {
    if (denominator[round] === 0) throw new RangeError(`paired ratio with 0 in round ${round}`);
    return value / denominator[round];
  });
}

/** The smallest value of each round over several candidates: the best competitor, chosen anew per round. */
export function bestPerRound(series: readonly (readonly number[])[]): number[] {
  if (series.length === 0) throw new RangeError("best of no candidates");
  const rounds = series[0].length;
  if (series.some((values) => values.length !== rounds)) throw new RangeError("candidates differ in rounds");
  return Array.from({ length: rounds }, (_, round) => Math.min(...series.map((values) => values[round])));
}
