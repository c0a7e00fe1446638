import { casesOf } from "./redis-cases.mjs";

/** Debian's redis-server: the program that redis-tools has as redis-check-rdb, and is what it is called by. */
const { cases, begin, end } = casesOf((port) => ({
  file: "redis-check-rdb",
  args: ["--port", String(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"],
  options: { argv0: "redis-server" },
}));

export { begin, cases as default, end };
