/** Things by their names, told in the order of the names' bytes. */
export class ByName<T> {
  private readonly all = new Map<string, T>();
  private sorted: [string, T][] | undefined;

  get size(): number {
    return this.all.size;
  }

  get(name: string): T | undefined {
    return this.all.get(name);
  }

  set(name: string, one: T): void {
    this.all.set(name, one);
    this.sorted = undefined;
  }

  delete(name: string): void {
    if (this.all.delete(name)) this.sorted = undefined;
  }

  /** In order. */
  entries(): readonly [string, T][] {
    this.sorted ??= [...this.all].sort(([a], [b]) => (a < b ? -1 : 1));
    return this.sorted;
  }

  /** In any order. */
  values(): Iterable<T> {
    return this.all.values();
  }
}
