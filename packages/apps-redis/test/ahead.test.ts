/** What a pipeline is looked at for: keys of whole requests, and nothing that could harm in bytes of anyone. */
import { Dict } from "../src/memory/dict.js";
import { Heap } from "../src/memory/heap.js";
import { Ahead } from "../src/server/ahead.js";
import { Random } from "./random.js";

const KEYS = 20_000;

const heap = new Heap();
const dict = new Dict(heap, true);
for (let n = 0; n < KEYS; n++) {
  const key = Buffer.from(`key:${n}`);
  dict.add(key, 0, key.length, 8);
}

const request = (...words: string[]): string =>
  `*${words.length}\r\n${words.map((word) => `$${word.length}\r\n${word}\r\n`).join("")}`;

/** Keys looked at in `text`, of which the first request has been parsed. */
function looked(text: string, ahead = new Ahead()): number {
  const first = request("PING");
  const bytes = Buffer.from(`${first}${text}`, "latin1");
  ahead.begin(0);
  expect(ahead.look(dict, bytes, 0, bytes.length)).toBe(0);
  return ahead.look(dict, bytes, first.length, bytes.length);
}

test("keys of whole requests, sixteen at a time", () => {
  expect(looked("")).toBe(0);
  expect(looked(request("GET", "key:1"))).toBe(1);
  expect(looked(request("GET", "key:1") + request("SET", "nobody's", "") + request("PING"))).toBe(2);
  expect(looked(request("GET", "key:1").repeat(40))).toBe(16);
  expect(looked(request("GET", "key:1") + request("GET", "key:2").slice(0, -1))).toBe(1);
});

test("what was looked at is not looked at again", () => {
  const ahead = new Ahead();
  const bytes = Buffer.from(request("GET", "key:1").repeat(20));
  const each = bytes.length / 20;
  ahead.begin(0);
  const looks = Array.from({ length: 20 }, (_, n) => ahead.look(dict, bytes, n * each, bytes.length));
  expect(looks.filter((count) => count !== 0)).toEqual([16, 3]);
});

test("not in a small table, which is in the processor's caches", () => {
  const ahead = new Ahead();
  const bytes = Buffer.from(request("GET", "key:1").repeat(2));
  ahead.begin(0);
  expect(ahead.look(new Dict(heap), bytes, bytes.length / 2, bytes.length)).toBe(0);
});

test.each([
  "*",
  "*2",
  "*2\r\n",
  "*2\r\n$",
  "*2\r\n$3\r\nGET\r\n$",
  "*99999999999999999999\r\n$3\r\n",
  "*2\r\n$1\r\nx\r\n$99999999999\r\n",
])("a piece of a request: %j", (text) => expect(looked(text)).toBe(0));

test("bytes of anyone", () => {
  const random = new Random("ahead");
  const alphabet = "*$0123456789\r\n-kx";
  for (let n = 0; n < 20_000; n++) {
    let text = "*";
    for (let length = random.below(60); length !== 0; length--) text += alphabet[random.below(alphabet.length)];
    expect(looked(text)).toBeLessThanOrEqual(16);
  }
});
