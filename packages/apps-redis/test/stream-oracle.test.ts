/** Streams beside redis-server: clients that wait, on both servers; what RESTORE takes and refuses; RESP3; edges of ids and of nodes. */
import { setTimeout as pause } from "node:timers/promises";
import { Crc64 } from "../src/encodings/crc64.js";
import { Random } from "./random.js";
import { type Both, type Pair, sideBySide } from "./side-by-side.js";

/** Milliseconds after which a command that waits has come to both servers. */
const SETTLED = 60;

const words = (line: string): string[] => line.split(" ");
const send = (pair: Pair, line: string): Promise<string[]> =>
  Promise.all([pair.ours.send(...words(line)), pair.theirs.send(...words(line))]);

/** The replies of both are the same; returns them. */
async function same(replies: Promise<string[]>): Promise<string> {
  const [ours, theirs] = await replies;
  expect(ours).toBe(theirs);
  return theirs;
}

/** Clients that wait for one command each, then what is sent, then what each of them gets. */
async function waitingFor(both: Both, waits: readonly string[], commands: readonly string[]): Promise<string[]> {
  const waiting: Promise<string[]>[] = [];
  const pairs: Pair[] = [];
  for (const line of waits) {
    const pair = await both.connect();
    pairs.push(pair);
    waiting.push(send(pair, line));
    await pause(SETTLED);
  }
  const main = await both.connect();
  for (const line of commands) await same(send(main, line));
  const got: string[] = [];
  for (const replies of waiting) got.push(await same(replies));
  for (const pair of [...pairs, main]) pair.close();
  return got;
}

/** What reads the groups of `key` afterwards, without its times. */
async function expectSameGroups(both: Both, key: string): Promise<void> {
  const main = await both.connect();
  await main.compareBytes([["XINFO", "STREAM", key, "FULL"]], (reply) => reply.replace(/:\d{13}\r\n/g, ":time\r\n"));
  main.close();
}

sideBySide("streams", [], (both) => {
  describe("streams that are waited for", () => {
    test("all who read are served by one entry, in RESP2 and RESP3", async () => {
      const got = await waitingFor(
        both,
        ["XREAD BLOCK 0 STREAMS r1 $", "XREAD COUNT 1 BLOCK 5000 STREAMS r0 r1 5-0 0-0"],
        ["XADD r1 1-1 a b"],
      );
      expect(got[0]).toBe(got[1]);
      const pair = await both.connect();
      // HELLO is of another family: where it is not there, nothing speaks RESP3.
      const [hello] = await send(pair, "HELLO 3");
      if (!hello.startsWith("-")) {
        const reply = send(pair, "XREAD BLOCK 0 STREAMS r1 $");
        await pause(SETTLED);
        const main = await both.connect();
        await same(send(main, "XADD r1 2-1 a b"));
        expect(await same(reply)).toMatch(/^%1/);
        main.close();
      }
      pair.close();
    });

    test("the time of who waits is over", async () => {
      expect(await waitingFor(both, ["XREAD BLOCK 80 STREAMS t1 $"], ["XADD other 1-1 a b"])).toEqual(["*-1\r\n"]);
    });

    test("readers of a group are served in order", async () => {
      const main = await both.connect();
      await same(send(main, "XGROUP CREATE g1 g $ MKSTREAM"));
      const read = (consumer: string) => `XREADGROUP GROUP g ${consumer} COUNT 1 BLOCK 0 STREAMS g1 >`;
      const got = await waitingFor(
        both,
        [read("c1"), read("c2"), read("c3"), "XREADGROUP GROUP g c4 NOACK BLOCK 0 STREAMS g1 >"],
        ["XADD g1 1-1 a 1", "XADD g1 1-2 a 2", "XADD g1 1-3 a 3", "XADD g1 1-4 a 4", "XADD g1 1-5 a 5"],
      );
      expect(got.map((reply) => /1-\d/.exec(reply)?.[0])).toEqual(["1-1", "1-2", "1-3", "1-4"]);
      await expectSameGroups(both, "g1");
      main.close();
    });

    test.each([
      ["deleted", "DEL", /^-UNBLOCKED/],
      ["destroyed as a group", "XGROUP DESTROY", /^-NOGROUP/],
      ["overwritten", "SET", /^-UNBLOCKED/],
      ["emptied with its database", "FLUSHALL", /^-UNBLOCKED/],
      ["renamed", "RENAME", /^-UNBLOCKED/],
      ["replaced", "RENAME TO", /^-/],
      ["there for a while only", "PEXPIRE", /^-UNBLOCKED/],
    ])("who waits in a group is told when the stream is %s", async (_, command, expected) => {
      const key = `d:${command.replace(/ /g, ":")}`;
      const main = await both.connect();
      await same(send(main, `XGROUP CREATE ${key} g $ MKSTREAM`));
      await same(send(main, `XGROUP CREATE ${key}:other other $ MKSTREAM`));
      const lines: Record<string, string> = {
        DEL: `DEL ${key}`,
        "XGROUP DESTROY": `XGROUP DESTROY ${key} g`,
        SET: `SET ${key} text`,
        FLUSHALL: "FLUSHALL",
        PEXPIRE: `PEXPIRE ${key} 100`,
        RENAME: `RENAME ${key} ${key}:new`,
        "RENAME TO": `RENAME ${key}:other ${key}`,
      };
      const [group, plain] = [`XREADGROUP GROUP g c BLOCK 0 STREAMS ${key} >`, `XREAD BLOCK 300 STREAMS ${key} $`];
      const [got, rest] = await waitingFor(both, [group, plain], [lines[command]]);
      expect(got).toMatch(expected);
      expect(rest).toBe("*-1\r\n");
      main.close();
    });

    test("an entry that is deleted again at once, and one in MULTI", async () => {
      const main = await both.connect();
      await same(send(main, "XGROUP CREATE m1 g $ MKSTREAM"));
      await waitingFor(
        both,
        ["XREADGROUP GROUP g c BLOCK 300 STREAMS m1 >", "XREAD BLOCK 300 STREAMS m1 $"],
        ["MULTI", "XADD m1 1-1 a b", "XDEL m1 1-1", "XREAD BLOCK 0 STREAMS nothing $", "EXEC"],
      );
      await expectSameGroups(both, "m1");
      main.close();
    });
  });

  describe("commands on streams", () => {
    test("nodes of all limits have the bytes that redis-server's have", async () => {
      const random = new Random("stream nodes");
      const main = await both.connect();
      const commands: string[][] = [];
      for (let i = 0; i < 1500; i++) {
        const key = `n:${random.below(3)}`;
        const fields = random.below(4) === 0 ? random.bytes(random.below(9)) : "f";
        const value = random.below(30) === 0 ? "x".repeat(random.below(5000)) : random.integerText();
        commands.push(["XADD", key, `${i >> 2}-*`, fields, value, "g", String(random.below(300))]);
        if (random.below(8) === 0) commands.push(["XDEL", key, `${random.below(1 + (i >> 2))}-${random.below(2)}`]);
        if (random.below(200) === 0) commands.push(["XTRIM", key, "MINID", `${random.below(1 + (i >> 2))}`]);
      }
      for (let n = 0; n < 3; n++) {
        commands.push(["DUMP", `n:${n}`], ["XINFO", "STREAM", `n:${n}`], ["XREVRANGE", `n:${n}`, "+", "-"]);
        commands.push(["COPY", `n:${n}`, `n:${n}:copy`], ["DUMP", `n:${n}:copy`]);
      }
      await main.compareBytes(commands);
      main.close();
    });

    test("ids at the edges of 64 bits", async () => {
      const main = await both.connect();
      const ids = ["0-1", "4294967295-4294967295", "4294967296-0", "9007199254740991-9007199254740993"];
      ids.push("9223372036854775807-1", "9223372036854775808-*", "18446744073709551615-18446744073709551614");
      ids.push("18446744073709551615-*", "18446744073709551615-*", "*", "007", "+5", "1--05", "99999999999999999999");
      await main.compareBytes([
        ...ids.map((id) => ["XADD", "e", id, "f", id]),
        ...ids.flatMap((id) => [
          ["XRANGE", "e", id, "+"],
          ["XREVRANGE", "e", `(${id}`, "-"],
          ["XREAD", "STREAMS", "e", id],
        ]),
        ["DUMP", "e"],
        ["XINFO", "STREAM", "e"],
      ]);
      main.close();
    });
  });

  /** Version and checksum behind a value's bytes. */
  function payload(value: string): string {
    const bytes = Buffer.from(`${value}\x0a\0`, "latin1");
    const checksum = new Uint8Array(8);
    new Crc64().update(bytes, 0, bytes.length).write(checksum, 0);
    return bytes.toString("latin1") + Buffer.from(checksum).toString("latin1");
  }

  const bulk = (reply: string): string => reply.slice(reply.indexOf("\r\n") + 2, -2);

  describe("RESTORE", () => {
    const make = [
      ["XADD", "s", "1-1", "a", "1"],
      ["XADD", "s", "1-2", "a", "2"],
      ["XADD", "s", "5-0", "b", "2", "c", "d"],
      ["XDEL", "s", "1-2"],
      ["XGROUP", "CREATE", "s", "g", "0"],
      ["XREADGROUP", "GROUP", "g", "c1", "COUNT", "1", "STREAMS", "s", ">"],
      ["XREADGROUP", "GROUP", "g", "c2", "STREAMS", "s", ">"],
    ];

    test("takes what the other has dumped, with its groups", async () => {
      const main = await both.connect();
      await main.compareBytes([["DEL", "s"], ...make]);
      const [ours, theirs] = (await send(main, "DUMP s")).map(bulk);
      const taken = await Promise.all([
        main.ours.send("RESTORE", "t", "0", theirs),
        main.theirs.send("RESTORE", "t", "0", ours),
      ]);
      expect(taken).toEqual(["+OK\r\n", "+OK\r\n"]);
      const [again, same] = (await send(main, "DUMP t")).map(bulk);
      expect(again).toBe(theirs);
      expect(same).toBe(ours);
      await expectSameGroups(both, "t");
      main.close();
    });

    test("with bytes changed it is refused, or every command still has an answer", async () => {
      const random = new Random("stream payloads");
      const main = await both.connect();
      const { ours } = main;
      for (const command of [["DEL", "s"], ...make]) await ours.send(...command);
      const value = bulk(await ours.send("DUMP", "s")).slice(0, -10);
      let refused = 0;
      const rounds = 1000;
      for (let i = 0; i < rounds; i++) {
        let changed = value;
        for (let n = 1 + random.below(2); n > 0; n--) {
          const at = 1 + random.below(value.length - 1);
          const kind = random.below(3);
          const put =
            kind === 0 ? random.bytes(1) : String.fromCharCode((changed.charCodeAt(at) + (kind === 1 ? 1 : 255)) & 255);
          changed = random.below(10) === 0 ? changed.slice(0, at) : changed.slice(0, at) + put + changed.slice(at + 1);
        }
        const reply = await ours.send("RESTORE", "h", "0", payload(changed), "REPLACE");
        if (reply !== "+OK\r\n") {
          refused++;
          expect(reply).toBe("-ERR Bad data format\r\n");
          continue;
        }
        const replies = await Promise.all([
          ours.send("XRANGE", "h", "-", "+"),
          ours.send("XREVRANGE", "h", "+", "-"),
          ours.send("XINFO", "STREAM", "h", "FULL"),
          ours.send("XAUTOCLAIM", "h", "g", "c1", "0", "0"),
          ours.send("XADD", "h", "*", "a", "1"),
          ours.send("XDEL", "h", "1-1", "5-0"),
          ours.send("XTRIM", "h", "MAXLEN", "1"),
          ours.send("XREADGROUP", "GROUP", "g", "c3", "STREAMS", "h", ">"),
          ours.send("COPY", "h", "h2", "REPLACE"),
          ours.send("DEL", "h", "h2"),
        ]);
        for (const one of replies) expect(one).not.toBe("");
      }
      expect(refused).toBeGreaterThan(rounds / 4);
      expect(await ours.send("PING")).toBe("+PONG\r\n");
      main.close();
    }, 60_000);
  });
});
