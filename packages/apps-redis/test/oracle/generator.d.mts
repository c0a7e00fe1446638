/** For the compiled tests. */
export class Generator {
  constructor(seed: number, families?: readonly string[]);
  command(): string[];
}
