import { sideBySide } from "./side-by-side.js";

/** Replies of hashes and sets that are forms of their own in RESP3, of values with one element: their order is one. */
const COMMANDS: readonly (readonly string[])[] = [
  ["HGETALL", "none"],
  ["HSET", "h", "f", "1"],
  ["HGETALL", "h"],
  ["HKEYS", "h"],
  ["HVALS", "h"],
  ["HKEYS", "none"],
  ["HGET", "h", "none"],
  ["HGET", "none", "f"],
  ["HMGET", "h", "f", "none"],
  ["HRANDFIELD", "h"],
  ["HRANDFIELD", "none"],
  ["HRANDFIELD", "none", "3"],
  ["HRANDFIELD", "h", "0"],
  ["HRANDFIELD", "h", "5"],
  ["HRANDFIELD", "h", "5", "WITHVALUES"],
  ["HRANDFIELD", "h", "1", "WITHVALUES"],
  ["HRANDFIELD", "h", "-3", "WITHVALUES"],
  ["HSCAN", "h", "0"],
  ["HSCAN", "none", "0", "what"],
  ["HINCRBY", "h", "f", "1"],
  ["HINCRBYFLOAT", "h", "f", "0.5"],
  ["SMEMBERS", "none"],
  ["SADD", "s", "1"],
  ["SMEMBERS", "s"],
  ["SINTER", "s", "s"],
  ["SINTER", "s", "none"],
  ["SUNION", "s", "none"],
  ["SDIFF", "s", "none"],
  ["SDIFF", "s", "s"],
  ["SISMEMBER", "s", "1"],
  ["SMISMEMBER", "s", "1", "2"],
  ["SRANDMEMBER", "s"],
  ["SRANDMEMBER", "none"],
  ["SRANDMEMBER", "none", "2"],
  ["SRANDMEMBER", "s", "2"],
  ["SRANDMEMBER", "s", "-2"],
  ["SSCAN", "s", "0"],
  ["SPOP", "none"],
  ["SPOP", "none", "2"],
  ["SPOP", "s", "0"],
  ["SPOP", "s", "5"],
  ["SADD", "s", "x"],
  ["SPOP", "s"],
];

sideBySide("hashes and sets", [], (both) => {
  test.each(["2", "3"])("are replied in the forms of RESP%s", async (resp) => {
    await both.compareBytes([["HELLO", resp]], (reply) => reply[0]);
    await both.compareBytes([["FLUSHALL"], ...COMMANDS]);
  });
});
