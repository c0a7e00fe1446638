/**
 * The server on DPDK, and Redis's own clients on the kernel's sockets: the two ends of a veth, in a network namespace that goes with the test.
 */
import { createHash, randomBytes } from "node:crypto";
import { fileURLToPath } from "node:url";
import { type Ended, endAll, Program, temporaryDirectory } from "../../apps-echo/test/program.js";
import { LIBOS, onWire, type Wire, wireConfig } from "../../apps-echo/test/wire.js";
import { lackingClient, unlessLacking } from "./skipping.js";

const CLI = fileURLToPath(new URL("../dist/cli.js", import.meta.url));
/** As working directory: a package around it that is a backend counts as installed. */
const BACKEND = fileURLToPath(new URL("../../libos-dpdk", import.meta.url));
/** Nobody else is in the namespace. */
const PORT = "6379";
/** Milliseconds: DPDK takes seconds to start on a busy machine. */
const PATIENCE = 60_000;
const MEBIBYTE = 1 << 20;

const NAME = "redis-cli and redis-benchmark on the kernel, the server on DPDK";

unlessLacking(lackingClient("redis-cli") ?? lackingClient("redis-benchmark"), NAME, () => onWire(NAME, clientsOf));

function clientsOf(wire: () => Wire): void {
  afterAll(endAll);
  const dir = temporaryDirectory();
  let server: Program;

  beforeAll(async () => {
    const words = [
      CLI,
      "server",
      "--host",
      LIBOS,
      "--port",
      PORT,
      "--libos",
      "dpdk",
      "--save",
      "",
      "--config",
      wireConfig(dir),
    ];
    const [command, args] = wire().inside(process.execPath, words);
    server = new Program(command, args, { cwd: BACKEND, env: { RUNTIME_DIRECTORY: dir } });
    await server.says(new RegExp(`ready on ${LIBOS}:${PORT}, dpdk \\(lwip\\)`), PATIENCE);
  }, 2 * PATIENCE);

  /** One of Redis's programs, behind the kernel's end of the wire. */
  function client(name: string, args: readonly string[], input?: string | Buffer): Program {
    const [command, all] = wire().inside(name, ["-h", LIBOS, "-p", PORT, ...args]);
    return new Program(command, all, { input });
  }

  /** Runs redis-cli to its end; what it prints. */
  async function cli(args: readonly string[], input?: string | Buffer): Promise<string> {
    const ended = await client("redis-cli", args, input).exited;
    expectDone(ended);
    return ended.stdout;
  }

  test("commands, and a transaction", async () => {
    const lines = ["SET greeting hello EX 100", "GET greeting", "MULTI", "INCR n", "INCRBY n 41", "EXEC", "TYPE n"];
    expect(await cli([], lines.join("\n"))).toBe("OK\nhello\nOK\nQUEUED\nQUEUED\n1\n42\nstring\n");
    expect(await cli(["--no-raw", "LRANGE", "greeting", "0", "-1"])).toMatch(/^\(error\) WRONGTYPE /);
  });

  test("a pipeline of ten thousand commands", async () => {
    const commands = Array.from({ length: 10_000 }, (_, n) => `RPUSH pipe element:${n}\r\n`);
    expect(await cli(["--pipe"], commands.join(""))).toMatch(/errors: 0, replies: 10000\n/);
    expect(await cli([], "LLEN pipe\nLINDEX pipe 0\nLINDEX pipe -1")).toBe("10000\nelement:0\nelement:9999\n");
  });

  test("a value of a mebibyte, there and back", async () => {
    const value = randomBytes(MEBIBYTE);
    expect(await cli(["-x", "SET", "large"], value)).toBe("OK\n");
    const back = Buffer.from(await cli(["GET", "large"]), "latin1");
    // redis-cli ends what it prints with a new line.
    expect({ bytes: back.length, hash: hash(back.subarray(0, -1)) }).toEqual({
      bytes: MEBIBYTE + 1,
      hash: hash(value),
    });
  });

  test("a message to whom subscribes", async () => {
    const listener = client("redis-cli", ["SUBSCRIBE", "news"]);
    await listener.says(/^subscribe\nnews\n1\n/);
    expect(await cli(["PUBLISH", "news", "rain at noon"])).toBe("1\n");
    await listener.says(/\nmessage\nnews\nrain at noon\n$/);
    await listener.end("SIGINT");
    // The server has seen its end.
    for (let receivers = "1\n"; receivers !== "0\n"; ) receivers = await cli(["PUBLISH", "news", "snow"]);
  });

  test.each([
    ["without pipelining", "1", 1_000],
    ["with pipelining", "16", 20_000],
  ])("redis-benchmark %s", async (_, pipeline, requests) => {
    await cli(["CONFIG", "RESETSTAT"]);
    const load = ["-t", "set,get,lpush", "-n", `${requests}`, "-c", "20", "-P", pipeline, "-r", "100", "--csv"];
    const ended = await client("redis-benchmark", load).exited;
    expectDone(ended);
    const [head, ...rows] = ended.stdout.trim().split("\n").map(cellsOf);
    expect(head.slice(0, 2)).toEqual(["test", "rps"]);
    expect(rows.map(([name]) => name)).toEqual(["SET", "GET", "LPUSH"]);
    for (const [, rps] of rows) expect(Number(rps)).toBeGreaterThan(0);
    const statistics = await cli(["INFO", "commandstats"]);
    for (const command of ["set", "get", "lpush"]) {
      const calls = new RegExp(`^cmdstat_${command}:calls=(\\d+),.*rejected_calls=0,failed_calls=0\\r$`, "m");
      expect(Number(calls.exec(statistics)?.[1])).toBeGreaterThanOrEqual(requests);
    }
  });

  test("after it all the server ends as it is told to", async () => {
    expect(await cli(["INFO", "libos"])).toMatch(/^libos_dpdk\./m);
    expectDone(await server.end("SIGTERM"));
  });
}

/** It ended well, and complained of nothing. */
function expectDone({ code, signal, stderr }: Ended): void {
  expect({ code, signal, stderr }).toEqual({ code: 0, signal: null, stderr: "" });
}

/** The cells of a line of CSV as redis-benchmark writes it. */
function cellsOf(line: string): string[] {
  return line.split(",").map((cell) => cell.replace(/^"|"$/g, ""));
}

function hash(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}
