/** Listpacks beside those that redis-server makes of the same commands, by DUMP. */
import { Listpack } from "../src/encodings/listpack.js";
import { Heap } from "../src/memory/heap.js";
import { rdbString } from "./dump.js";
import { bytesOf, text } from "./listpack-elements.js";
import { Random } from "./random.js";
import { besideRedis } from "./redis-server.js";

besideRedis(
  "bytes are redis-server's",
  [
    "--rdbcompression",
    "no",
    "--hash-max-listpack-entries",
    "100000",
    "--hash-max-listpack-value",
    "100000",
    "--list-max-listpack-size",
    "8000",
  ],
  (redis) => {
    test("of a hash", async () => {
      const random = new Random("listpack of a hash");
      const list = new Listpack().create(new Heap());
      const commands: (string | number)[][] = [];
      const ours: string[] = [];
      for (let step = 0; step < 800; step++) {
        const field = random.below(2) === 0 ? String(random.below(60)) : `f${random.below(60)}`;
        const bytes = Buffer.from(field, "latin1");
        const p = list.find(bytes, 0, bytes.length, 1);
        if (random.below(4) === 0) {
          if (p !== 0) list.removeFrom(p, 2);
          commands.push(["HDEL", "h", field]);
        } else {
          const value = text(random);
          if (p !== 0) list.replaceText(list.next(p), value);
          else {
            list.append(bytes, 0, bytes.length);
            list.appendText(value);
          }
          commands.push(["HSET", "h", field, value]);
        }
        commands.push(["DUMP", "h"]);
        ours.push(list.length === 0 ? "" : bytesOf(list));
      }
      const replies = await redis().call(commands);
      for (let i = 0; i < ours.length; i++) {
        const dump = replies[2 * i + 1] as string | null;
        const theirs = dump === null ? "" : rdbString(dump, 1).text;
        if (theirs !== ours[i]) throw new Error(`after ${JSON.stringify(commands[2 * i]).slice(0, 200)}`);
      }
    });

    test("of a list", async () => {
      const random = new Random("listpack of a list");
      const list = new Listpack().create(new Heap());
      const commands: (string | number)[][] = [];
      const ours: string[] = [];
      for (let step = 0; step < 800; step++) {
        const value = random.below(2) === 0 ? random.integerText() : random.bytes(random.below(70));
        // Beyond 8 KiB a list is more than one.
        const kind = list.byteLength > 7000 ? 5 : random.below(6);
        const length = list.length;
        const index = length === 0 ? 0 : random.below(length);
        if (kind === 0 || length < 2) {
          list.appendText(value);
          commands.push(["RPUSH", "l", value]);
        } else if (kind === 1) {
          list.prependText(value);
          commands.push(["LPUSH", "l", value]);
        } else if (kind === 2) {
          list.replaceText(list.seek(index), value);
          commands.push(["LSET", "l", index, value]);
        } else if (kind === 3) {
          const pivot = list.string(list.seek(index));
          const bytes = Buffer.from(pivot, "latin1");
          const p = list.find(bytes, 0, bytes.length);
          if (random.below(2) === 0) {
            list.insertTextBefore(p, value);
            commands.push(["LINSERT", "l", "BEFORE", pivot, value]);
          } else {
            list.insertTextAfter(p, value);
            commands.push(["LINSERT", "l", "AFTER", pivot, value]);
          }
        } else {
          const start = random.below(3);
          const end = -1 - random.below(kind === 5 ? length >> 1 : 2);
          if (start - end > length) continue;
          list.removeRange(0, start);
          if (end !== -1) list.removeRange(end + 1, -1 - end);
          commands.push(["LTRIM", "l", start, end]);
        }
        commands.push(["DUMP", "l"]);
        ours.push(bytesOf(list));
      }
      const replies = await redis().call(commands);
      for (let i = 0; i < ours.length; i++) {
        const dump = replies[2 * i + 1] as string;
        // One node (1), which is a listpack (2).
        expect([dump.charCodeAt(1), dump.charCodeAt(2)]).toEqual([1, 2]);
        if (rdbString(dump, 3).text !== ours[i])
          throw new Error(`after ${JSON.stringify(commands[2 * i]).slice(0, 200)}`);
      }
    });
  },
);
