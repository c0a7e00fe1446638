/** Types of generator.mjs, which plain Node runs too. */
export class Generator {
  constructor(seed: number, families?: readonly string[]);
  command(): string[];
  pick<T>(...options: T[]): T;
  chance(p: number): boolean;
  maybe(p: number, ...option: (string | (() => string))[]): string[];
  key(type: string): string;
  anyKey(): string;
  member(): string;
  value(): string;
  integer(): string;
  count(): string;
  readonly random: { below(n: number): number };
}
