import { Crc64 } from "../src/encodings/crc64.js";
import { lzfCompress, lzfDecompress } from "../src/encodings/lzf.js";
import { FOOTER_BYTES } from "./dump.js";
import { Random } from "./random.js";
import { besideRedis } from "./redis-server.js";

/** Text that compresses: parts of itself again, runs, a small alphabet. */
function compressible(random: Random, size: number): string {
  let text = "";
  while (text.length < size) {
    const kind = random.below(5);
    if (kind === 0) text += random.bytes(random.below(40));
    else if (kind === 1) text += "abcdefgh"[random.below(8)].repeat(random.below(400));
    else if (kind === 2) text += `${random.below(100)},`;
    else {
      const from = random.below(text.length + 1);
      text += text.slice(from, from + random.below(300));
    }
  }
  return text.slice(0, size);
}

/** The compressed text, or "" where it would take more than `room`. */
function compressed(text: string, room: number): string {
  const bytes = Buffer.from(`xx${text}x`, "latin1");
  const target = Buffer.alloc(room + 3, 0xaa);
  const size = lzfCompress(bytes, 2, text.length, target, 1, room);
  expect([target[0], ...target.subarray(room + 1)]).toEqual([0xaa, 0xaa, 0xaa]);
  return target.toString("latin1", 1, 1 + size);
}

function decompressed(text: string, size: number): string | undefined {
  const bytes = Buffer.from(`x${text}xx`, "latin1");
  const target = Buffer.alloc(size + 2, 0xbb);
  const isRight = lzfDecompress(bytes, 1, text.length, target, 1, size);
  expect([target[0], target[size + 1]]).toEqual([0xbb, 0xbb]);
  return isRight ? target.toString("latin1", 1, size + 1) : undefined;
}

const sizeOf = (random: Random) => (random.below(10) === 0 ? random.below(30_000) : random.below(600));

test("what is compressed comes back, and takes no more than there is room", () => {
  const random = new Random("lzf");
  for (let i = 0; i < 300; i++) {
    const text = compressible(random, sizeOf(random));
    const short = compressed(text, text.length + text.length / 16 + 64);
    if (decompressed(short, text.length) !== text) throw new Error(`of ${text.length} bytes`);
    if (text.length === 0) continue;
    expect(decompressed(short, text.length + 1)).toBeUndefined();
    expect(decompressed(short, text.length - 1)).toBeUndefined();
    const squeezed = compressed(text, random.below(short.length) + 1);
    if (squeezed !== "" && decompressed(squeezed, text.length) !== text) throw new Error("squeezed");
  }
});

test("any bytes are decompressed within bounds, or not", () => {
  const random = new Random("hostile lzf");
  let refused = 0;
  for (let i = 0; i < 3000; i++) {
    const size = random.below(300);
    const bytes = random.bytes(random.below(60));
    if (decompressed(bytes, size) === undefined) refused++;
  }
  expect(refused).toBeGreaterThan(1000);
  // Back to before the start, a head without more, literals that end early.
  for (const wrong of ["\x20\x00", "\xe0", "\xe0\x01", "\x05abc", "\x00a\x20\x01"])
    expect(decompressed(wrong, 12)).toBeUndefined();
});

test("the checksum of the standard's text, whole and in parts", () => {
  const bytes = Buffer.from("123456789", "latin1");
  expect(new Crc64().update(bytes, 0, 9).value).toBe(0xe9c6d914c4b8d9can);
  expect(new Crc64().update(bytes, 0, 2).update(bytes, 2, 0).update(bytes, 2, 7).value).toBe(0xe9c6d914c4b8d9can);
});

besideRedis("a DUMP is redis-server's", [], (redis) => {
  test("its checksum and its compressed string", async () => {
    const random = new Random("DUMP");
    const texts = Array.from({ length: 500 }, () => compressible(random, 21 + sizeOf(random)));
    const commands = texts.flatMap((text, i) => [
      ["SET", `k${i}`, text],
      ["DUMP", `k${i}`],
    ]);
    const dumps = (await redis().call(commands)).filter((_, i) => i % 2 === 1) as string[];
    let packed = 0;
    const different: string[] = [];
    const back: string[][] = [];
    dumps.forEach((dump, i) => {
      const bytes = Buffer.from(dump, "latin1");
      const crc = new Crc64().update(bytes, 0, bytes.length - 8);
      expect(crc.isAt(bytes, bytes.length - 8)).toBe(true);
      const again = Buffer.alloc(8);
      crc.write(again, 0);
      expect(again.equals(bytes.subarray(-8))).toBe(true);
      const ours = compressed(texts[i], texts[i].length - 4);
      if (ours === "") {
        if (bytes[1] === 0xc3) different.push(`${i}: only theirs is compressed`);
        return;
      }
      packed++;
      // The string is the end of the payload; what it would be uncompressed goes before it.
      const theirs = dump.slice(0, -FOOTER_BYTES);
      if (bytes[1] !== 0xc3 || !theirs.endsWith(ours)) different.push(`${i}: of ${texts[i].length} bytes`);
      const payload = Buffer.from(
        `\0\xc3${rdbLength(ours.length)}${rdbLength(texts[i].length)}${ours}\x0a\0`,
        "latin1",
      );
      const sum = Buffer.alloc(8);
      new Crc64().update(payload, 0, payload.length).write(sum, 0);
      back.push(["RESTORE", `r${i}`, "0", payload.toString("latin1") + sum.toString("latin1")], ["GET", `r${i}`]);
    });
    expect(packed).toBeGreaterThan(300);
    const replies = await redis().call(back);
    for (let i = 0; i < back.length; i += 2) {
      expect(replies[i]).toBe("OK");
      if (replies[i + 1] !== texts[Number(back[i][1].slice(1))]) throw new Error(back[i][1]);
    }
    expect(different).toEqual([]);
  });
});

/** A length as RDB has it. */
function rdbLength(length: number): string {
  if (length < 64) return String.fromCharCode(length);
  if (length < 16_384) return String.fromCharCode(0x40 | (length >> 8), length & 255);
  return String.fromCharCode(0x80, 0, length >> 16, (length >> 8) & 255, length & 255);
}
