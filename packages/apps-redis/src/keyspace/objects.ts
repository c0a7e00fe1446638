/** Values that are objects of JavaScript, by the number that their record holds. */
import type { StoredObject } from "./types.js";

export class Objects {
  private readonly all: (StoredObject | undefined)[] = [undefined];
  private readonly vacant: number[] = [];

  add(object: StoredObject): number {
    const number = this.vacant.pop() ?? this.all.length;
    this.all[number] = object;
    return number;
  }

  get(number: number): StoredObject {
    return this.all[number] as StoredObject;
  }

  set(number: number, object: StoredObject): void {
    this.all[number] = object;
  }

  remove(number: number): void {
    this.all[number] = undefined;
    this.vacant.push(number);
  }
}
