/** Scripts as the rest of the server sees them: what is told of their effects, and who is told of their commands. */
import { Args } from "../src/protocol/args.js";
import { Interpreter } from "../src/scripting/interpreter.js";
import { luaAddon } from "../src/scripting/native.js";
import { Direct } from "./direct.js";

const LIBRARY = "#!lua name=one\nredis.register_function('f', function(keys) return redis.call('incr', keys[1]) end)";

/** A server, and what it tells who follows it. */
class Followed extends Direct {
  readonly told: string[] = [];
  constructor() {
    super();
    this.server.propagation.follow({
      command: (db, bytes, at, length) => {
        const words = Buffer.from(bytes.subarray(at, at + length))
          .toString("latin1")
          .split("\r\n")
          .filter((_, i) => i !== 0 && i % 2 === 0);
        this.told.push(`${db} ${words.join(" ")}`.trim());
      },
    });
  }

  /** What is told of a command. */
  effects(...words: string[]): string[] {
    this.told.length = 0;
    this.call(...words);
    return this.told;
  }
}

test("what a script has done is told, together if it is more than one command, and the script is not", () => {
  const server = new Followed();
  expect(server.effects("EVAL", "return redis.call('get', 'a')", "0")).toEqual([]);
  expect(server.effects("EVAL", "return redis.call('set', KEYS[1], 1)", "1", "a")).toEqual(["0 set a 1"]);
  expect(
    server.effects("EVAL", "redis.call('incr', 'a') redis.call('select', 3) redis.call('incr', 'a')", "0"),
  ).toEqual(["0 MULTI", "0 incr a", "3 incr a", "3 EXEC"]);
  expect(server.effects("EVAL", "redis.call('incr', 'a') error('x')", "0")).toEqual(["0 incr a"]);
  expect(server.call("SELECT", "0")).toBe("+OK\r\n");
  expect(server.call("GET", "a")).toBe("$1\r\n3\r\n");
});

test("redis.set_repl: what is for nobody is told nobody", () => {
  const server = new Followed();
  const source = "redis.call('set', 'a', 1) redis.set_repl(redis.REPL_NONE) redis.call('set', 'b', 1)";
  expect(server.effects("EVAL", source, "0")).toEqual(["0 set a 1"]);
  expect(server.effects("EVAL", "redis.call('set', 'c', 1)", "0")).toEqual(["0 set c 1"]);
});

test("scripts in a transaction are told with it", () => {
  const server = new Followed();
  for (const words of [
    ["MULTI"],
    ["SET", "a", "1"],
    ["EVAL", "redis.call('incr', 'a') return redis.call('incr', 'a')", "0"],
  ])
    server.call(...words);
  expect(server.effects("EXEC")).toEqual(["0 MULTI", "0 SET a 1", "0 incr a", "0 incr a", "0 EXEC"]);
});

test("libraries are told as they came, scripts are not, and functions by what they do", () => {
  const server = new Followed();
  expect(server.effects("SCRIPT", "LOAD", "return 1")).toEqual([]);
  expect(server.effects("SCRIPT", "FLUSH")).toEqual([]);
  expect(server.told).toEqual([]);
  server.call("FUNCTION", "LOAD", LIBRARY);
  expect(server.told[0]).toMatch(/^0 FUNCTION LOAD #!lua name=one/);
  expect(server.effects("FUNCTION", "LOAD", LIBRARY)).toEqual([]);
  expect(server.effects("FCALL", "f", "1", "n")).toEqual(["0 incr n"]);
  expect([...server.server.libraries.sources()]).toEqual([LIBRARY]);
  expect(server.effects("FUNCTION", "DELETE", "one")).toEqual(["0 FUNCTION DELETE one"]);
  server.server.libraries.load(LIBRARY, false);
  expect(server.call("FCALL", "f", "1", "n")).toBe(":2\r\n");
  expect(() => server.server.libraries.load(LIBRARY, false)).toThrow("Library 'one' already exists");
  expect(server.effects("FUNCTION", "FLUSH")).toEqual(["0 FUNCTION FLUSH"]);
  expect([...server.server.libraries.sources()]).toEqual([]);
});

test("a thousand scripts and libraries, and no memory is left behind", () => {
  const server = new Direct();
  const round = (): void => {
    for (let i = 0; i < 200; i++) {
      server.call("EVAL", `return ${i}`, "0");
      server.call("FUNCTION", "LOAD", "REPLACE", LIBRARY);
    }
    server.call("SCRIPT", "FLUSH");
  };
  round();
  const { functionsMemory } = server.server.scripting.facts;
  for (let i = 0; i < 5; i++) round();
  expect(server.server.scripting.facts.scripts).toBe(0);
  expect(server.server.scripting.facts.functionsMemory).toBeLessThan(2 * functionsMemory);
});

test("an interpreter's memory ends with an error, and goes on after it", () => {
  const addon = luaAddon();
  if (typeof addon === "string") throw new Error(addon);
  const answers = { command: () => {}, mayRun: () => 1, slow: () => false, log: () => {}, failed: () => {} };
  const interpreter = new Interpreter(addon, answers, false, 8 * 1024 * 1024);
  const { native } = interpreter;
  const greedy = native.compile(Buffer.from("local t = {} while true do t[#t + 1] = {} end"), "greedy");
  native.compile(Buffer.from(`return '${"x".repeat(1e6)}'`), "large");
  expect(native.compile(Buffer.from(`return '${"x".repeat(9e6)}'`), "larger")).toMatch(/not enough memory/);
  interpreter.run(greedy as number, true, new Args(), 0, 0);
  expect(interpreter.out.toString("latin1", 0, 200)).toMatch(/^-ERR .*not enough memory/);
  expect(native.memory()).toBeLessThan(8 * 1024 * 1024);
});
