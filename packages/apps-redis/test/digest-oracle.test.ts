/** DEBUG DIGEST and DIGEST-VALUE beside redis-server: values of all types, small and large. */
import { Random } from "./random.js";
import type { Request } from "./resp-client.js";
import { sideBySide } from "./side-by-side.js";

const SIZES = [3, 600];

function data(random: Random): Request[] {
  const word = () =>
    random.pick(["", "7", "-3.5", "some\0bytes\xff", String(random.below(1e9)), "x".repeat(random.below(90))]);
  const commands: Request[] = [];
  for (const size of SIZES) {
    const add = (name: string, ...args: (string | number)[]) => commands.push([name, `${name}:${size}`, ...args]);
    add("SET", size + word().repeat(size));
    for (let n = 0; n < size; n++) {
      add("RPUSH", word());
      add("SADD", word(), n);
      add("HSET", `${word()}${n}`, word());
      add("ZADD", random.below(1000) / 7, `${word()}${n}`);
      // Entries with the fields of the one before, and with others.
      if (random.below(2) === 0) add("XADD", `${n + 1}-1`, "same", word(), "7", word());
      else add("XADD", `${n + 1}-1`, word(), word());
    }
    commands.push(["XDEL", `XADD:${size}`, "2-1"], ["XGROUP", "CREATE", `XADD:${size}`, "group", "0"]);
    commands.push(["PEXPIRE", `SADD:${size}`, 1_000_000]);
  }
  return commands;
}

sideBySide("digests", ["--enable-debug-command", "yes"], (both) => {
  test("are those of redis-server", async () => {
    await both.compare(data(new Random("digest")).map((command) => ({ command })));
    const keys = SIZES.flatMap((size) =>
      ["SET", "RPUSH", "SADD", "HSET", "ZADD", "XADD"].map((name) => `${name}:${size}`),
    );
    const digests = await both.compare([
      ...[...keys, "none"].map((key) => ({ command: ["DEBUG", "DIGEST-VALUE", key] })),
      { command: ["DEBUG", "DIGEST"] },
    ]);
    expect(new Set(digests.flat()).size).toBe(keys.length + 2);
  });
});
