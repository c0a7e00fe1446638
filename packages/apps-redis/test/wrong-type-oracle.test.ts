/** Commands of strings, bits and HyperLogLogs on a key that holds a list, and on none: what is asked for first is what is told. */
import type { Request } from "./resp-client.js";
import { sideBySide } from "./side-by-side.js";

const LIST: Request = ["rpush", "list", "element"];

/** Words behind the name and the key. */
const COMMANDS: Record<string, Request[]> = {
  get: [[]],
  set: [["1", "get"], ["1", "nx"], ["1", "xx", "keepttl"], ["1", "ex", "0"], ["1", "px", "100000", "get", "xx"], ["1"]],
  getex: [[], ["ex", "x"], ["ex", 100], ["persist"]],
  getdel: [[]],
  getset: [["1"]],
  setnx: [["1"]],
  setex: [
    ["x", "1"],
    [100, "1"],
  ],
  psetex: [
    ["0", "1"],
    [100_000, "1"],
  ],
  append: [["x"], [""]],
  strlen: [[]],
  setrange: [
    ["x", "x"],
    [-1, "x"],
    [0, "x"],
    [0, ""],
    [536_870_912, "x"],
  ],
  getrange: [
    ["x", 0],
    [0, 1],
  ],
  substr: [
    [0, "x"],
    [0, 1],
  ],
  incr: [[]],
  decr: [[]],
  incrby: [["x"], [1]],
  decrby: [["-9223372036854775808"], [1]],
  incrbyfloat: [["x"], [1]],
  lcs: [["none"], ["list"], ["none", "idx", "len"], ["none", "x"]],
  mget: [["none", "list"]],
  mset: [["1"], ["1", "other"]],
  msetnx: [["1"], ["1", "none"]],
  setbit: [
    ["x", 1],
    [1, 2],
    [1, 1],
  ],
  getbit: [["x"], [1]],
  bitcount: [[], ["a", "b"], [0], [0, 1, "x"], [0, 1, "bit", "x"]],
  bitpos: [["x"], [2], [1], [0, "x"], [0, 0, 1, "x"], [1, 0, 1, "bit", "x"]],
  bitop: [["target"]],
  bitfield: [[], ["get", "u8", 0], ["set", "u8", 0, 1], ["set", "u8", 0, "x"], ["overflow", "fail"]],
  bitfield_ro: [[], ["get", "u8", 0], ["set", "u8", 0, 1]],
  pfadd: [[], ["a"]],
  pfcount: [[], ["none"]],
  pfmerge: [[], ["none"]],
};

sideBySide("wrong types", [], (both) => {
  test("each command on a list, and on no key", async () => {
    const requests: Request[] = [["flushall"]];
    for (const [name, all] of Object.entries(COMMANDS)) {
      for (const words of all) {
        for (const key of ["list", "none"]) {
          requests.push(
            ["del", "list", "none", "target"],
            LIST,
            [name, key, ...words],
            ["type", key],
            ["exists", "target"],
          );
        }
      }
      requests.push([name]);
    }
    for (const operation of ["and", "not", "x"]) {
      for (const keys of [["list"], ["none"], ["none", "list"], ["list", "none"]]) {
        requests.push(["set", "target", "1"], ["bitop", operation, "target", ...keys], ["type", "target"]);
      }
    }
    for (const what of ["getreg", "decode", "encoding", "todense", "x"]) {
      for (const key of ["list", "none"]) requests.push(["pfdebug", what, key], ["pfdebug", what]);
    }
    await both.compareBytes([...requests, ["pfmerge", "target", "none", "list"], ["pfcount", "none", "list"]]);
  });
});
