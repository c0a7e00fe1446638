/** Types of minus-zero.mjs, which plain Node runs too. */
export function makesMinusZero(words: readonly string[]): boolean;
