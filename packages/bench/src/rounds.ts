/**
 * Interleaved rounds: every candidate runs once per round, in an order shuffled anew from a printed seed, so that neither
 * drift of the machine nor the place in the order favours one of them.
 */
import { freshSeed, seededRandom, shuffled } from "./random.js";

/** Something to compare. */
export interface Candidate<T> {
  readonly name: string;
  /** One measurement; its result is the candidate's sample of this round. A throw ends the comparison. */
  measure(round: number): T | Promise<T>;
}

export interface RoundsOptions {
  rounds: number;
  /** Default: a fresh one; {@link Rounds.seed} says which. */
  seed?: number;
  /** Called before each measurement. */
  onMeasure?: (name: string, round: number) => void;
}

export interface Rounds<T> {
  seed: number;
  /** Per candidate, one sample a round: samples.get(a)[i] and samples.get(b)[i] are of the same round. */
  samples: Map<string, T[]>;
}

export async function interleave<T>(candidates: readonly Candidate<T>[], options: RoundsOptions): Promise<Rounds<T>> {
  if (!Number.isInteger(options.rounds) || options.rounds < 1) throw new RangeError(`${options.rounds} rounds`);
  const seed = options.seed ?? freshSeed();
  const random = seededRandom(seed);
  const samples = new Map<string, T[]>();
  for (const candidate of candidates) {
    if (samples.has(candidate.name)) throw new RangeError(`two candidates called ${candidate.name}`);
    samples.set(candidate.name, []);
  }
  for (let round = 0; round < options.rounds; round++) {
    for (const candidate of shuffled(candidates, random)) {
      options.onMeasure?.(candidate.name, round);
      samples.get(candidate.name)?.push(await candidate.measure(round));
    }
  }
  return { seed, samples };
}
