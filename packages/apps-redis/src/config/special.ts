/** Parameters whose values have a form of their own. */
import { notificationLetters } from "../server/notifications.js";
import { type Parsed, readMemory } from "./parameter.js";

const INTEGER = /^[+-]?[0-9]+$/;

/** What classes of clients may have waiting for them. */
export const CLIENT_CLASSES = ["normal", "slave", "pubsub"] as const;
export type ClientClass = (typeof CLIENT_CLASSES)[number];
/** `hard`, `soft`: bytes, 0 for none. */
export interface OutputLimit {
  hard: number;
  soft: number;
  softSeconds: number;
}

/** Seconds and changes, in pairs. */
export function parseSave(words: readonly string[]): Parsed {
  const all = words.length === 1 && words[0] === "" ? [] : words;
  const isWrong = all.some((word, i) => !INTEGER.test(word) || Number(word) < (i % 2 === 0 ? 1 : 0));
  return isWrong || all.length % 2 !== 0 ? "Invalid save parameters" : plain(all.map((word) => String(BigInt(word))));
}

/** Class, hard limit, soft limit and its seconds, of any classes; the others stay: `text` is of those alone. */
export function parseOutputLimits(words: readonly string[]): Parsed {
  if (words.length % 4 !== 0) return "Wrong number of arguments in buffer limit configuration.";
  const told: string[] = [];
  for (let i = 0; i < words.length; i += 4) {
    const given = words[i].toLowerCase();
    const name = given === "replica" ? "slave" : given;
    if (!(CLIENT_CLASSES as readonly string[]).includes(name)) {
      return "Invalid client class specified in buffer limit configuration.";
    }
    const hard = readMemory(words[i + 1]);
    const soft = readMemory(words[i + 2]);
    if (hard === undefined || soft === undefined || !INTEGER.test(words[i + 3]) || Number(words[i + 3]) < 0)
      return "Error in hard, soft or soft_seconds setting in buffer limit configuration.";
    told.push(name, String(hard), String(soft), String(BigInt(words[i + 3])));
  }
  return plain(told);
}

/** All classes' limits, from the words of all. */
export function outputLimits(text: string): Record<ClientClass, OutputLimit> {
  const words = text.split(" ");
  const limits = {} as Record<ClientClass, OutputLimit>;
  for (let i = 0; i < words.length; i += 4) {
    limits[words[i] as ClientClass] = {
      hard: Number(words[i + 1]),
      soft: Number(words[i + 2]),
      softSeconds: Number(words[i + 3]),
    };
  }
  return limits;
}

export function parseScoreAdjustments(words: readonly string[]): Parsed {
  if (words.length !== 3) return "wrong number of arguments";
  if (words.some((word) => !INTEGER.test(word) || Math.abs(Number(word)) > 2000))
    return "Invalid oom-score-adj-values, elements must be between -2000 and 2000.";
  return plain(words.map((word) => String(BigInt(word))));
}

export function parseNotifications([word]: readonly string[]): Parsed {
  const letters = notificationLetters(word);
  if (letters === undefined) return "Invalid event class character. Use 'Ag$lshzxeKEtmdn'.";
  // The text does not say all: n is lost beside A.
  return { text: letters, value: word };
}

export function parseBind(words: readonly string[]): Parsed {
  if (words.length > 16) return "Too many bind addresses specified.";
  return plain(words.filter((word) => word !== ""));
}

/** The heap's blocks are of size classes, and are not moved: what a Redis without jemalloc says. */
export function parseDefragmentation([word]: readonly string[]): Parsed {
  const text = word.toLowerCase();
  if (text === "no") return { text, value: false };
  if (text !== "yes") return "argument must be 'yes' or 'no'";
  return (
    "Active defragmentation cannot be enabled: it requires a Redis server compiled with a modified Jemalloc " +
    "like the one shipped by default with the Redis source distribution"
  );
}

/** "no one" is told as nothing. */
export function parseReplicaOf(words: readonly string[]): Parsed {
  if (words.length !== 2) return "wrong number of arguments";
  if (words.join(" ").toLowerCase() === "no one") return plain([]);
  if (!/^(?:0|[1-9][0-9]{0,4})$/.test(words[1]) || Number(words[1]) > 65535) return "Invalid master port";
  return plain(words);
}

export function parsePercentiles(words: readonly string[]): Parsed {
  const told: string[] = [];
  for (const word of words) {
    const value = /^[0-9.]+(?:e[+-]?[0-9]+)?$/i.test(word) ? Number(word) : Number.NaN;
    if (Number.isNaN(value)) return "Invalid latency-tracking-info-percentiles parameters";
    if (value > 100) return "latency-tracking-info-percentiles parameters should sit between [0.0,100.0]";
    told.push(String(value));
  }
  return plain(told);
}

/** The folder becomes the process's, as Redis has it. */
export function parseFolder([word]: readonly string[]): Parsed {
  try {
    process.chdir(word);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return "No such file or directory";
    return code === "ENOTDIR" ? "Not a directory" : "Permission denied";
  }
  return plain([process.cwd()]);
}

function plain(words: readonly string[]): Parsed {
  const text = words.join(" ");
  return { text, value: text };
}
