/** Two servers that are sent the same: do they answer the same, and do they hold the same afterwards? */
import { UNORDERED, UNORDERED_PAIRS } from "./families/index.mjs";
import { split } from "./peer.mjs";

/** Milliseconds of a time to live that may lie between two servers asked one after the other. */
const LAG = 2000;

/** @typedef {{ command: string[], ours: string, theirs: string }} Difference */

/** @returns {Promise<Difference | undefined>} The first difference between the replies. */
export async function compareReplies(ours, theirs, commands) {
  const [mine, other] = await Promise.all([ours.send(commands), theirs.send(commands)]);
  if (mine.equals(other)) return undefined;
  const mines = split(mine);
  const others = split(other);
  for (let i = 0; i < Math.max(mines.length, others.length, commands.length); i++) {
    if (mines[i]?.text === others[i]?.text) continue;
    const command = commands[i] ?? ["EXEC"];
    if (mines[i] !== undefined && others[i] !== undefined && alike(command, mines[i].value, others[i].value)) continue;
    return { command, ours: String(mines[i]?.text), theirs: String(others[i]?.text) };
  }
  return undefined;
}

/** Whether two replies say the same in another order, where there is none. */
function alike(command, a, b) {
  const name = command[0].toUpperCase();
  if (!UNORDERED.has(name) && !UNORDERED_PAIRS.has(name) && name !== "EXEC") return false;
  if (!Array.isArray(a) || !Array.isArray(b)) return false;
  const together = UNORDERED_PAIRS.has(name) || command.some((arg) => arg.toUpperCase() === "WITHVALUES") ? 2 : 1;
  return inOrder(a, together) === inOrder(b, together);
}

function inOrder(list, together) {
  const groups = [];
  for (let i = 0; i < list.length; i += together) groups.push(JSON.stringify(normal(list.slice(i, i + together))));
  return groups.sort().join();
}

/** What EXEC answers holds such replies. */
function normal(value) {
  return Array.isArray(value)
    ? value
        .map(normal)
        .map((one) => JSON.stringify(one))
        .sort()
    : value;
}

/** How the elements of a value are read that has no order when it is large. */
const CONTENTS = {
  stream: (key) => ["XINFO", "STREAM", key, "FULL", "COUNT", "0"],

  hash: (key) => ["HGETALL", key],
  set: (key) => ["SMEMBERS", key],
  zset: (key) => ["ZRANGE", key, "0", "-1", "WITHSCORES"],
};

/** @returns {Promise<string | undefined>} How the keyspaces differ: keys, types, encodings, times to live, and each value by DUMP. */
export async function compareKeyspaces(ours, theirs) {
  const both = async (commands) => (await Promise.all([ours.send(commands), theirs.send(commands)])).map(split);
  const [keys, theirKeys] = (await both([["KEYS", "*"]])).map(([{ value }]) => value.sort());
  if (keys.join() !== theirKeys.join()) return `keys: ${keys} where redis-server has ${theirKeys}`;
  if (keys.length === 0) return undefined;
  const asked = ["TYPE", "OBJECT", "PTTL", "DUMP"];
  const about = (key) => asked.map((name) => (name === "OBJECT" ? [name, "ENCODING", key] : [name, key]));
  const [mines, others] = (await both(keys.flatMap(about))).map((all) => all.map(({ text }) => text));
  for (const [n, key] of keys.entries()) {
    const at = n * asked.length;
    const [type, encoding, life, dump] = mines.slice(at, at + asked.length);
    const [theirType, theirEncoding, theirLife, theirDump] = others.slice(at, at + asked.length);
    if (type !== theirType) return `${key}: type ${type} where redis-server has ${theirType}`;
    if (encoding !== theirEncoding)
      return `${key} (${type.trim()}): encoding ${encoding} where redis-server has ${theirEncoding}`;
    if (Math.abs(Number(life.slice(1)) - Number(theirLife.slice(1))) > LAG)
      return `${key}: time to live ${life} where redis-server has ${theirLife}`;
    if (dump === theirDump) continue;
    const contents = CONTENTS[type.slice(1).trim()];
    const isTable = /hashtable|skiplist|stream/.test(encoding);
    const hasTimes = type.includes("stream") && (await both([["XINFO", "GROUPS", key]]))[1][0].text !== "*0\r\n";
    if (!isTable || contents === undefined || (type.includes("stream") && !hasTimes))
      return `${key} (${type.trim()}, ${encoding.trim()}): DUMP ${JSON.stringify(dump)} where redis-server has ${JSON.stringify(theirDump)}`;
    const difference = await compareContents(ours, theirs, contents(key));
    if (difference !== undefined) return `${key}: ${difference}`;
  }
  return undefined;
}

async function compareContents(ours, theirs, command) {
  const [mine, other] = await Promise.all([ours.ask(...command), theirs.ask(...command)]);
  const together = /^[SX]/.test(command[0]) ? 1 : 2;
  const [a, b] = [mine, other].map((held) => inOrder(/^X/.test(command[0]) ? timeless(held) : held, together));
  return a === b ? undefined : `it holds ${a} where redis-server has ${b}`;
}

/** With groups, a stream has the times at which its entries were handed out. */
function timeless(value) {
  return Array.isArray(value) ? value.map(timeless) : /^\d{13}$/.test(value) ? "time" : value;
}
