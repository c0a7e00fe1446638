/** What redis-benchmark measures, by its names: the command, with KEY and NUMBER for random parts. */

export interface BenchTest {
  name: string;
  /** What is printed above its figures. */
  title: string;
  /** `__rand_int__` becomes 12 random digits below -r. */
  words: (size: number) => string[];
  /** Commands that are sent before, so that it finds something. */
  prepare?: (size: number) => string[][];
}

const value = (size: number): string => "x".repeat(size);
const key = (name: string): string => `${name}:__rand_int__`;
const element = "element:__rand_int__";
const list = (size: number): string[][] => Array.from({ length: 700 }, () => ["LPUSH", "mylist", value(size)]);

const range = (last: number, name: string): BenchTest => ({
  name,
  title: `LRANGE_${last + 1} (first ${last + 1} elements)`,
  words: () => ["LRANGE", "mylist", "0", String(last)],
  prepare: list,
});

export const TESTS: readonly BenchTest[] = [
  { name: "ping_mbulk", title: "PING_MBULK", words: () => ["PING"] },
  { name: "set", title: "SET", words: (size) => ["SET", key("key"), value(size)] },
  { name: "get", title: "GET", words: () => ["GET", key("key")] },
  { name: "incr", title: "INCR", words: () => ["INCR", key("counter")] },
  { name: "lpush", title: "LPUSH", words: (size) => ["LPUSH", "mylist", value(size)] },
  { name: "rpush", title: "RPUSH", words: (size) => ["RPUSH", "mylist", value(size)] },
  { name: "lpop", title: "LPOP", words: () => ["LPOP", "mylist"] },
  { name: "rpop", title: "RPOP", words: () => ["RPOP", "mylist"] },
  { name: "sadd", title: "SADD", words: () => ["SADD", "myset", element] },
  { name: "hset", title: "HSET", words: (size) => ["HSET", "myhash", element, value(size)] },
  { name: "spop", title: "SPOP", words: () => ["SPOP", "myset"] },
  { name: "zadd", title: "ZADD", words: () => ["ZADD", "myzset", "0", element] },
  { name: "zpopmin", title: "ZPOPMIN", words: () => ["ZPOPMIN", "myzset"] },
  range(99, "lrange_100"),
  range(299, "lrange_300"),
  range(499, "lrange_500"),
  range(599, "lrange_600"),
  {
    name: "mset",
    title: "MSET (10 keys)",
    words: (size) => ["MSET", ...Array.from({ length: 10 }, () => [key("key"), value(size)]).flat()],
  },
];
