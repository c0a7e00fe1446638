/** What peers may send that are no masters and no replicas: the server says what is wrong, or leaves them, and keeps what it has. */
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { RdbOpcode } from "../src/rdb/format.js";
import { RdbWriter } from "../src/rdb/writer.js";
import { FakeMaster, ID } from "./fake-master.js";
import { NodeInFolder } from "./node-in-folder.js";

/** Milliseconds for what has to come about. */
const PATIENCE = 15_000;

let node: NodeInFolder;
let master: FakeMaster;
beforeAll(async () => {
  node = await NodeInFolder.start("demi-redis");
});
afterAll(() => node.stop());
beforeEach(async () => {
  master = await FakeMaster.start();
});
afterEach(async () => {
  await node.client.call([["REPLICAOF", "NO", "ONE"], ["FLUSHALL"]]);
  await master.close();
});

async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  for (const end = Date.now() + PATIENCE; !(await holds()); await pause(10))
    if (Date.now() > end) throw new Error(`it does not come to this: ${what}`);
}

const follow = (): Promise<unknown> => node.ask("REPLICAOF", "127.0.0.1", master.port);
const residentMemory = async (): Promise<number> => Number((await node.info("memory")).used_memory_rss);

const WRONG: [string, string][] = [
  ["an error", "-ERR no\r\n"],
  ["something that is no answer", "hello\r\n"],
  ["a history without a name", "+FULLRESYNC\r\n"],
  ["an offset that is none", `+FULLRESYNC ${ID} 99999999999999999999\r\n`],
  ["no file", `+FULLRESYNC ${ID} 1\r\nhello\r\n`],
  ["a file of a length that is none", `+FULLRESYNC ${ID} 1\r\n$99999999999999999999\r\n`],
  ["a file of a negative length", `+FULLRESYNC ${ID} 1\r\n$-5\r\n`],
];

/** Follows the fake master anew, at once, until the server leaves it. */
async function followUntilLeft(): Promise<void> {
  const { left } = master;
  await node.ask("REPLICAOF", "NO", "ONE");
  await follow();
  await until("that it is left", () => master.left > left);
  await node.until("no link", ({ master_link_status: status }) => status === "down");
}

test.each(WRONG)("a master that answers PSYNC with %s is left, and what was there stays", async (_, said) => {
  await node.ask("SET", "mine", "1");
  master.answer = (socket) => socket.write(said);
  await followUntilLeft();
  expect(await node.ask("GET", "mine")).toBe("1");
});

test("who was left is asked again from where this server is, and for all when what there was has gone", async () => {
  const asked = (): string[] => [...master.heard.matchAll(/PSYNC\r\n\$\d+\r\n(\S+)\r\n/g)].map(([, id]) => id);
  master.answer = (socket) => socket.write(`+FULLRESYNC ${ID} 1\r\nhello\r\n`);
  await followUntilLeft();
  const { master_replid: own } = await node.info();
  master.answer = (socket) => socket.write(`+FULLRESYNC ${ID} 1\r\n$5\r\nhello`);
  await until("that a file is no good", () => master.left >= 2);
  master.answer = (socket) => socket.write(`+CONTINUE ${ID}\r\n`);
  await until("that a continuation is not taken then", () => master.left >= 3);
  expect(asked().slice(0, 3)).toEqual([own, own, "?"]);
});

test("a line without end is not waited for", async () => {
  master.answer = (socket) => socket.write("+".repeat(100_000));
  await followUntilLeft();
  expect(await node.ask("PING")).toBe("PONG");
});

test("a file that is none, or ends in the middle, leaves nothing, and no file behind", async () => {
  const half = Buffer.from("524544495330303130fa0972656469732d76657206372e302e3135", "hex");
  for (const [length, sent] of [
    [half.length + 50, half],
    [half.length, half],
    [5, Buffer.from("hello")],
  ] as const) {
    await node.ask("REPLICAOF", "NO", "ONE");
    await node.ask("SET", "mine", "1");
    master.answer = (socket) => {
      socket.write(`+FULLRESYNC ${ID} 1\r\n$${length}\r\n`);
      if (length > sent.length) socket.end(sent);
      else socket.write(sent);
    };
    await followUntilLeft();
    // What was there goes when a file is whole, before it is loaded.
    expect(await node.ask("DBSIZE")).toBe(length > sent.length ? 1 : 0);
  }
  await node.ask("REPLICAOF", "NO", "ONE");
  await until("an empty folder", () => readdirSync(node.folder).length === 0);
});

test("a file with a library of functions that cannot be loaded leaves nothing either, and does not end the server", async () => {
  const writer = new RdbWriter().begin(false);
  writer.byte(RdbOpcode.FUNCTION_2);
  writer.text("#!lua name=wrong\nthis is no Lua");
  writer.byte(RdbOpcode.END);
  const library = Buffer.from(writer.bytes.subarray(0, writer.length));
  // A checksum of zero is none.
  const file = Buffer.concat([Buffer.from("REDIS0010"), library, Buffer.alloc(8)]);
  master.answer = (socket) => {
    socket.write(`+FULLRESYNC ${ID} 1\r\n$${file.length}\r\n`);
    socket.write(file);
  };
  await node.ask("SET", "mine", "1");
  await followUntilLeft();
  expect(await node.ask("DBSIZE")).toBe(0);
  await node.ask("REPLICAOF", "NO", "ONE");
  await until("an empty folder", () => readdirSync(node.folder).length === 0);
});

test("a file that says that its stream is in a database that there is not is followed from the first one on", async () => {
  const writer = new RdbWriter().begin(false);
  for (const word of ["repl-stream-db", "0.5"]) {
    if (word === "repl-stream-db") writer.byte(RdbOpcode.AUX);
    writer.text(word);
  }
  writer.byte(RdbOpcode.END);
  const facts = Buffer.from(writer.bytes.subarray(0, writer.length));
  const file = Buffer.concat([Buffer.from("REDIS0010"), facts, Buffer.alloc(8)]);
  master.answer = (socket) => {
    socket.write(`+FULLRESYNC ${ID} 1\r\n$${file.length}\r\n`);
    socket.write(file);
    socket.write("*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n");
  };
  await follow();
  await until("that the key is there", async () => (await node.ask("GET", "a")) === "1");
});

test.each([
  ["what is no command", "hello world\r\n"],
  ["an argument of a length that is none", "*2\r\n$3\r\nSET\r\n$x\r\n"],
  ["arguments without end", "*2147483648\r\n"],
  ["an argument longer than any", "*2\r\n$3\r\nSET\r\n$99999999999\r\n"],
])("a master whose stream has %s is left, and asked for all", async (_, said) => {
  // It goes on from where the server is, and says so.
  const goOn = (socket: Socket): void => {
    socket.write(
      `+CONTINUE ${ID}\r\n*2\r\n$6\r\nSELECT\r\n$1\r\n0\r\n*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n${said}`,
    );
  };
  master.answer = (socket) => {
    if (/PSYNC\r\n\$40/.test(master.heard)) goOn(socket);
  };
  await followUntilLeft();
  await until("a request for all", () => /PSYNC\r\n\$1\r\n\?/.test(master.heard));
  expect(await node.ask("GET", "a")).toBe("1");
});

test("a command that is announced takes no memory before it comes", async () => {
  master.answer = (socket) => {
    socket.write(`+CONTINUE ${ID}\r\n*3\r\n$3\r\nSET\r\n$1\r\na\r\n$${400 * 1024 * 1024}\r\nhello`);
  };
  const before = await residentMemory();
  await follow();
  await node.until("a link", ({ master_link_status: status }) => status === "up");
  expect((await residentMemory()) - before).toBeLessThan(64 * 1024 * 1024);
});

test("a master that says nothing is left after repl-timeout", async () => {
  await node.ask("CONFIG", "SET", "repl-timeout", "1");
  await followUntilLeft();
  await node.ask("CONFIG", "SET", "repl-timeout", "60");
});

// ---- replicas ------------------------------------------------------------------------------------------------------------------

/** One that has said so much, and has been answered. */
async function replica(introduction: string): Promise<Socket> {
  const socket = connect(node.port, "127.0.0.1");
  socket.on("error", () => {});
  await once(socket, "connect");
  socket.write(`${introduction}\r\n`);
  await once(socket, "data");
  return socket;
}

const replicas = async (): Promise<number> => Number((await node.info()).connected_slaves);

test("a replica that takes nothing is left at client-output-buffer-limit, while it waits and when it is online", async () => {
  await node.ask("CONFIG", "SET", "client-output-buffer-limit", "replica 4mb 0 0", "repl-backlog-size", "1mb");
  const value = "v".repeat(1024 * 1024);
  for (const delay of ["100", "0"]) {
    await node.ask("CONFIG", "SET", "repl-diskless-sync-delay", delay);
    const socket = await replica("REPLCONF capa eof");
    socket.pause();
    socket.write("PSYNC ? -1\r\n");
    await until("a replica", async () => (await replicas()) === 1);
    if (delay === "0") socket.write("REPLCONF ACK 0\r\n");
    for (let i = 0; i < 30 && (await replicas()) === 1; i++) await node.ask("SET", `large${i % 3}`, value);
    if (delay === "100") {
      // Nothing is kept for who waits for a snapshot to begin: it will have all.
      expect(await replicas()).toBe(1);
      socket.destroy();
    }
    await until("that it is left", async () => (await replicas()) === 0);
    socket.destroy();
  }
});

test("a replica that takes nothing of a file with a length is left after repl-timeout", async () => {
  await node.client.call([
    ["CONFIG", "SET", "repl-diskless-sync", "no", "repl-timeout", "1", "client-output-buffer-limit", "replica 0 0 0"],
    // More than the kernel keeps for a connection.
    ["CONFIG", "SET", "rdbcompression", "no"],
    ["DEBUG", "POPULATE", "20000", "key", "1000"],
  ]);
  const socket = await replica("REPLCONF capa psync2");
  socket.pause();
  socket.write("PSYNC ? -1\r\n");
  await until("the file", async () => (await node.info()).slave0?.includes("state=send_bulk") === true);
  await until("that it is left", async () => (await replicas()) === 0);
  socket.destroy();
  await node.ask("CONFIG", "SET", "repl-diskless-sync", "yes", "repl-timeout", "60");
  await until("an empty folder", () => readdirSync(node.folder).length === 0);
});

test("what a replica says that is no acknowledgement changes nothing; what would be answered makes it leave", async () => {
  const socket = await replica("REPLCONF capa eof capa psync2 listening-port 7");
  socket.write("PSYNC ? -1\r\n");
  socket.resume();
  await until("a replica", async () => (await node.info()).slave0?.includes("state=online") === true);
  for (const said of ["x", "99999999999999999999", "-5", ""]) {
    socket.write(`*3\r\n$8\r\nREPLCONF\r\n$3\r\nACK\r\n$${said.length}\r\n${said}\r\n`);
  }
  socket.write("\r\n\r\nREPLCONF ACK\r\n");
  await until("that it is left", async () => (await replicas()) === 0);
  expect(await node.ask("PING")).toBe("PONG");
});

test("REPLCONF and PSYNC say what is wrong", async () => {
  const replies = await node.client.call([
    ["REPLCONF", "listening-port"],
    ["REPLCONF", "listening-port", "x"],
    ["REPLCONF", "ip-address", "a".repeat(300)],
    ["REPLCONF", "hello", "world"],
    ["REPLCONF", "rdb-only", "2"],
    ["REPLCONF", "rdb-filter-only", "keys"],
  ]);
  expect(replies.map((reply) => (reply as Error).message)).toEqual([
    "ERR syntax error",
    "ERR value is not an integer or out of range",
    "ERR REPLCONF ip-address provided by replica instance is too long: 300 bytes",
    "ERR Unrecognized REPLCONF option: hello",
    "ERR value is out of range",
    "ERR Unsupported rdb-filter-only option: keys",
  ]);
  expect(((await node.ask("PSYNC", ID, "1", "FAILOVER")) as Error).message).toBe(
    "ERR PSYNC FAILOVER can't be sent to a master.",
  );
  expect(((await node.ask("PSYNC", "?", "x")) as Error).message).toMatch(/^ERR /);
});
