/** The hash table of the keyspace: random programs beside a Map, and what SCAN promises while the table grows and shrinks. */
import { Dict } from "../src/memory/dict.js";
import { chunkOf, Heap, offsetOf, type Ref } from "../src/memory/heap.js";
import { exactExpiryOf, hasExpiry, keyText, payloadOf, setExpiry } from "../src/memory/record.js";
import { Random } from "./random.js";

const WORD = 4;

/** A Dict whose payloads are a number in their first word, and `size` bytes. */
class Table {
  readonly heap = new Heap();
  readonly dict = new Dict(this.heap);
  /** What must be there. */
  readonly map = new Map<string, { value: number; size: number; expiry: number | undefined }>();

  find(key: string): Ref {
    const bytes = Buffer.from(`xx${key}`, "latin1");
    return this.dict.find(bytes, 2, key.length);
  }

  add(key: string, value: number, size: number): void {
    const bytes = Buffer.from(key, "latin1");
    this.write(this.dict.add(bytes, 0, key.length, WORD + size), value);
    this.map.set(key, { value, size, expiry: undefined });
  }

  delete(key: string): void {
    this.dict.delete(this.find(key));
    this.map.delete(key);
  }

  resize(key: string, size: number, expiry: number | undefined): void {
    const ref = this.dict.resize(this.find(key), WORD + size, WORD, expiry !== undefined);
    if (expiry !== undefined) setExpiry(this.heap, ref, expiry);
    (this.map.get(key) as { size: number }).size = size;
    (this.map.get(key) as { expiry: number | undefined }).expiry = expiry;
  }

  value(ref: Ref): number {
    return this.heap.words[chunkOf(ref)][payloadOf(this.heap, ref) >>> 2];
  }

  write(ref: Ref, value: number): void {
    this.heap.words[chunkOf(ref)][payloadOf(this.heap, ref) >>> 2] = value;
  }

  scan(cursor: number, seen: Set<string>): number {
    return this.dict.scan(cursor, (ref) => seen.add(keyText(this.heap, ref)));
  }

  check(): void {
    const seen = new Map<string, number>();
    this.dict.each((ref) => {
      const key = keyText(this.heap, ref);
      const is = this.map.get(key);
      const expiry = hasExpiry(this.heap, ref) ? exactExpiryOf(this.heap, ref) : undefined;
      const isRight = this.value(ref) === is?.value && expiry === is.expiry && offsetOf(ref) % 8 === 0;
      if (!isRight || seen.has(key)) throw new Error(`${key}: ${this.value(ref)}, ${expiry}`);
      seen.set(key, ref);
    });
    expect(seen.size).toBe(this.map.size);
    expect(this.dict.size).toBe(this.map.size);
  }
}

test("it has what a Map has", () => {
  const random = new Random("dict");
  const table = new Table();
  let grows = true;
  for (let step = 0; step < 40_000; step++) {
    if (step % 6000 === 0) grows = random.below(3) !== 0;
    const key = random.below(50) === 0 ? random.bytes(random.below(200)) : `key:${random.below(20_000)}`;
    const ref = table.find(key);
    if ((ref === 0 ? undefined : table.value(ref)) !== table.map.get(key)?.value) throw new Error(`${step}: ${key}`);
    const kind = random.below(10);
    if (ref === 0) {
      if (kind < (grows ? 8 : 2)) table.add(key, step, random.below(100));
    } else if (kind < (grows ? 2 : 8)) {
      table.delete(key);
    } else if (kind === 8) {
      const size = random.below(300);
      const expiry = random.below(2) === 0 ? undefined : random.pick([step, 2 ** 52 + step, -step - 1]);
      table.resize(key, size, expiry);
    } else if (kind === 9) {
      const any = table.dict.random();
      if (!table.map.has(keyText(table.heap, any))) throw new Error(`${step}: random()`);
      table.dict.rebuild(random.below(50));
    }
    if (step % 10_000 === 0) table.check();
  }
  table.check();
  for (const key of [...table.map.keys()]) table.delete(key);
  table.check();
  expect(table.heap.used).toBe(0);
});

test("a scan tells whatever is there throughout", () => {
  const random = new Random("scan");
  for (let round = 0; round < 20; round++) {
    const table = new Table();
    const stays = random.below(1000);
    const others = random.below(3000);
    for (let i = 0; i < stays; i++) table.add(`stays:${i}`, i, 0);
    for (let i = 0; i < others; i++) table.add(`other:${i}`, i, 0);
    if (random.below(2) === 0) while (table.dict.rebuild(100));
    const seen = new Set<string>();
    const change = random.below(40);
    // Growing, shrinking, or both in turn.
    const mode = random.below(3);
    let added = others;
    let removed = 0;
    let cursor = 0;
    let calls = 0;
    do {
      cursor = table.scan(cursor, seen);
      for (let n = random.below(change + 1); n > 0; n--) {
        const adds = mode === 0 || (mode === 2 && calls % 200 < 100);
        if (adds && added < 10_000) table.add(`other:${added++}`, 0, 0);
        else if (removed < added) table.delete(`other:${removed++}`);
      }
      if (++calls > 200_000) throw new Error("a scan without end");
    } while (cursor !== 0);
    let missed = 0;
    for (let i = 0; i < stays; i++) if (!seen.has(`stays:${i}`)) missed++;
    expect({ seed: random.seed, round, missed }).toEqual({ seed: random.seed, round, missed: 0 });
  }
});

test("draining frees every record, a few at a time", () => {
  const random = new Random("drain");
  for (const size of [0, 1, 5, 3000]) {
    const table = new Table();
    for (let i = 0; i < size; i++) table.add(`key:${i}`, i, random.below(50));
    let told = 0;
    let calls = 0;
    while (!table.dict.drain(100, () => told++)) expect(++calls).toBeLessThanOrEqual(size / 100);
    expect({ told, left: table.dict.size, used: table.heap.used }).toEqual({ told: size, left: 0, used: 0 });
    table.map.clear();
    table.add("again", 1, 0);
    table.check();
  }
});

test("a table shrinks when keys go", () => {
  const table = new Table();
  for (let i = 0; i < 5000; i++) table.add(`key:${i}`, i, 0);
  for (let i = 0; i < 4990; i++) table.delete(`key:${i}`);
  while (table.dict.rebuild(1000));
  expect(table.dict.capacities[0]).toBeLessThan(1024);
  table.check();
});

test("what is looked up during a walk moves nothing that the walk would meet again", () => {
  for (const sparse of [false, true]) {
    const heap = new Heap();
    const dict = new Dict(heap, sparse);
    for (let n = 0; n < 200; n++) {
      const key = Buffer.from(`key ${n}`);
      dict.add(key, 0, key.length, 0);
      const met: string[] = [];
      dict.each((ref) => {
        const name = keyText(heap, ref);
        met.push(name);
        if (dict.find(Buffer.from(name), 0, name.length) !== ref) throw new Error(`${name} is not where it was`);
      });
      if (met.length !== n + 1 || new Set(met).size !== n + 1) throw new Error(`of ${n + 1}: ${met}`);
    }
  }
});
