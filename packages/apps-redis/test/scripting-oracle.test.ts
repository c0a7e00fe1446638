/** Scripts and functions in both servers: the same replies, and the same errors. */
import { Random } from "./random.js";
import type { Request } from "./resp-client.js";
import { CASES, LIBRARIES } from "./scripting-cases.js";
import { RandomScript } from "./scripting-random.js";
import { sideBySide } from "./side-by-side.js";

const COUNT = Math.max(2000, Math.floor(Number(process.env.DEMI_REDIS_COMMANDS ?? 100_000) / 20));
const AT_ONCE = 200;

/** What tostring tells of a table. */
const withoutAddresses = (bytes: string): string => bytes.replace(/\$\d+\r\n|0x[0-9a-f]+/g, "");

sideBySide("scripts", ["--enable-debug-command", "yes"], ({ compareBytes, ours, redis }) => {
  test.each(["2", "3"])("what they see, reply and may not do, in RESP%s", async (version) => {
    await compareBytes([["hello", version]], () => "");
    await compareBytes([["flushall"], ["script", "flush"], ["function", "flush"]]);
    await compareBytes(CASES);
  });

  test("libraries of functions", async () => {
    await compareBytes([["flushall"], ["function", "flush"]]);
    await compareBytes(LIBRARIES);
  });

  test("each server takes the other's FUNCTION DUMP", async () => {
    const load: Request = [
      "function",
      "load",
      "replace",
      "#!lua name=one\nredis.register_function('f', function() return 'f' end)",
    ];
    for (const [from, to] of [
      [ours, redis],
      [redis, ours],
    ]) {
      await from([["function", "flush"], load]);
      const [dump] = await from([["function", "dump"]]);
      expect(
        await to([
          ["function", "flush"],
          ["function", "restore", String(dump)],
          ["fcall", "f", "0"],
        ]),
      ).toEqual(["OK", "OK", "f"]);
      const [again] = await to([["function", "restore", String(dump)]]);
      expect(String(again)).toMatch(/Library one already exists/);
    }
  });

  test("random scripts", async () => {
    const random = new Random("random scripts");
    const scripts = new RandomScript(random);
    await compareBytes([["hello", "2"]], () => "");
    await compareBytes([["flushall"]]);
    for (let done = 0; done < COUNT; done += AT_ONCE) {
      await compareBytes(
        Array.from({ length: AT_ONCE }, () => scripts.request()),
        withoutAddresses,
      );
    }
    // Not by DUMP: sets of texts have no order that either server promises.
    await compareBytes(scripts.keys.map((key): Request => ["debug", "digest-value", key]));
  });
});
