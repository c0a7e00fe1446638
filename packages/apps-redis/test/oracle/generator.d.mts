export class Generator {
  constructor(seed: number, families?: readonly string[]);
  command(): string[];
}
