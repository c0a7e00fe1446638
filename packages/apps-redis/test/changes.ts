/**
 * Every command that changes data, with what is there before. A line has commands between semicolons; `2>` before one: another client sends it;
 * `{...}`: bytes that DUMP gave for a key. Before all of them the dataset is empty.
 */
const STREAM = "XADD x 1-1 f v; XADD x 2-1 f v; XADD x 3-1 f v; XADD x 4-1 f v";
const GROUP = `${STREAM}; XGROUP CREATE x g 0`;
const PENDING = `${GROUP}; XREADGROUP GROUP g a COUNT 3 STREAMS x >`;
const TRIMMED = "XADD x 1-1 f v; XADD x 1-2 f v; XADD x 1-3 f v; XADD x 1-4 f v; XADD x 1-5 f v; XADD x 1-6 f v";
const PLACES = "GEOADD g 13.361389 38.115556 Palermo 15.087269 37.502669 Catania; ZADD t 1 a";
const SKETCHES = "PFADD p a b c; PFADD q c d e";
const LISTS = "RPUSH l a b c; RPUSH m d";
const ZSETS = "ZADD z 1 a 2 b 3 c; ZADD y 1 a 5 d";
const SETS = "SADD t a b c; SADD u b c d";

/** By the command's full name: [what is there before, commands]. */
export const CHANGES: Record<string, [before: string, commands: string][]> = {
  // strings
  set: [
    ["SET s old", "SET s new; set s newer; SET s v XX; SET s v GET; SET s w get XX GET; SET s v KEEPTTL GET"],
    ["SET s old", "SET s a EX 1000; SET s b PX 1000000 GET; SET s c EXAT 9999999999; SET s d PXAT 9999999999999 XX; SET n v NX EX 99"],
    ["RPUSH s a b", "SET s v NX; SET s v; SET none v XX; SET s v EX 0"],
  ],
  setnx: [["SET s a", "SETNX s v; SETNX n v"]],
  setex: [["SET s a", "SETEX s 1000 v; SETEX s 0 v"]],
  psetex: [["SET s a", "PSETEX s 1000000 v"]],
  getset: [["SET s a EX 1000", "GETSET s b; getset n c"]],
  getdel: [["SET s a; SET b b", "GETDEL s; GETDEL none; CONFIG SET lazyfree-lazy-user-del yes; GETDEL b; CONFIG SET lazyfree-lazy-user-del no"]],
  getex: [
    ["SET s a; SET q b", "GETEX s; GETEX s EX 1000; GETEX s PX 1000000; GETEX s PERSIST; GETEX s PERSIST; GETEX s EXAT 9999999999"],
    ["SET s a; SET q b", "GETEX s PXAT 9999999999999; GETEX s PXAT 1; GETEX none EX 10; GETEX q EXAT 1"],
  ],
  append: [["SET s a", "APPEND s b; APPEND n c; APPEND s "]],
  setrange: [["SET s abc", "SETRANGE s 1 x; SETRANGE n 3 y; SETRANGE s 0 "]],
  incr: [["SET s 5", "INCR s; incr n"]],
  decr: [["SET s 5", "DECR s"]],
  incrby: [["SET s 5", "INCRBY s 10; INCRBY s 0; INCRBY s x"]],
  decrby: [["SET s 5", "DECRBY s 10"]],
  incrbyfloat: [["SET s 5.5 EX 1000", "INCRBYFLOAT s 1.25; incrbyfloat n 3; INCRBYFLOAT s x"]],
  mset: [["SET s a", "MSET s b n c s d"]],
  msetnx: [["SET s a", "MSETNX s b n c; MSETNX n 1 o 2"]],
  // bits
  setbit: [["SET s a", "SETBIT s 1 1; SETBIT s 7 0; SETBIT s 7 0; SETBIT n 100 0"]],
  bitop: [["SET s abc; SET r xyz; SET d old", "BITOP AND d s r; BITOP NOT n s; BITOP OR d none none; BITOP OR d none none"]],
  bitfield: [["SET s abc", "BITFIELD s SET u8 0 99 GET u8 8; BITFIELD s GET u8 0; BITFIELD s SET u8 0 99; BITFIELD n INCRBY u8 #2 5"]],
  // HyperLogLog
  pfadd: [[SKETCHES, "PFADD p a; PFADD p z; PFADD n; PFADD n"]],
  pfcount: [[SKETCHES, "PFCOUNT p; PFCOUNT p; PFCOUNT p q; PFCOUNT q none"]],
  pfmerge: [[SKETCHES, "PFMERGE p q; PFMERGE n p q"]],
  pfdebug: [[SKETCHES, "PFDEBUG GETREG p; PFDEBUG TODENSE q; PFDEBUG TODENSE q; PFDEBUG ENCODING p"]],
  // keys
  del: [["SET s a; RPUSH l a", "DEL s none l; DEL s"]],
  unlink: [["SET s a; RPUSH l a", "UNLINK s none; unlink s; UNLINK l"]],
  flushdb: [["SET s a", "FLUSHDB; FLUSHDB ASYNC; flushdb sync; FLUSHDB x"]],
  flushall: [["SET s a; SELECT 3; SET s b", "FLUSHALL; FLUSHALL ASYNC; SELECT 0"]],
  restore: [
    ["RPUSH l a b; SET s a; SET r b", "RESTORE n 0 {l}; RESTORE n 0 {l}; RESTORE n 0 {s} REPLACE; RESTORE e 100000 {l}; RESTORE e 100000 {s} replace IDLETIME 5"],
    ["RPUSH l a b; SET s a; SET r b", "RESTORE a 9999999999999 {l} ABSTTL; RESTORE s 1 {l} ABSTTL REPLACE; RESTORE gone 1 {r} ABSTTL; RESTORE r 0 {r}"],
  ],
  expire: [["SET s a; SET r b", "EXPIRE s 1000; EXPIRE s 2000 GT; expire s 5 GT; EXPIRE s -1; EXPIRE none 5; EXPIRE r 0 XX; EXPIRE r 0"]],
  pexpire: [["SET s a", "PEXPIRE s 1000000; pexpire s 2000000 XX; PEXPIRE s -5"]],
  expireat: [["SET s a", "EXPIREAT s 9999999999; EXPIREAT s 9999999999 NX; expireat s 8888888888 lt; CONFIG SET lazyfree-lazy-expire yes; EXPIREAT s 1; CONFIG SET lazyfree-lazy-expire no"]],
  pexpireat: [["SET s a", "PEXPIREAT s 9999999999999; pexpireat s 9999999999998 LT; PEXPIREAT s 1"]],
  persist: [["SET s a EX 1000", "PERSIST s; PERSIST s"]],
  rename: [["SET s a; SET r b; RPUSH l a", "RENAME s r; RENAME r r; RENAME none r; RENAME l r"]],
  renamenx: [["SET s a; SET r b", "RENAMENX s r; RENAMENX s n"]],
  copy: [["SET s a; SET r b; RPUSH l x; SELECT 1; SET s z; SELECT 0", "COPY s r; COPY s r REPLACE; COPY l s DB 1 REPLACE; COPY none s"]],
  move: [["SET s a; SET r b; SELECT 1; SET r c; SELECT 0", "MOVE s 1; MOVE r 1; MOVE none 1; SELECT 1; MOVE s 2; SELECT 0"]],
  swapdb: [["SET s a; SELECT 1; SET s b; SELECT 0", "SWAPDB 0 1; SWAPDB 2 2; SET s c"]],
  sort: [["RPUSH l 3 1 2; SET d x; ZADD z 1 a", "SORT l STORE d; SORT l; SORT none STORE d; SORT none STORE d; SORT z ALPHA STORE z"]],
  // hashes
  hset: [["HSET h f v", "HSET h f w g x; HSET n f v; HSET h f w"]],
  hmset: [["HSET h f v", "HMSET h f w g x"]],
  hsetnx: [["HSET h f v", "HSETNX h f w; HSETNX h g w"]],
  hdel: [["HSET h f v g w", "HDEL h f none; HDEL h none; HDEL h g"]],
  hincrby: [["HSET h f 5", "HINCRBY h f 3; HINCRBY h g 0"]],
  hincrbyfloat: [["HSET h f 5", "HINCRBYFLOAT h f 3.5; hincrbyfloat h g 1; HINCRBYFLOAT h f x"]],
  // lists
  lpush: [[LISTS, "LPUSH l x y; LPUSH n z"]],
  rpush: [[LISTS, "RPUSH l x"]],
  lpushx: [[LISTS, "LPUSHX l x; LPUSHX none x"]],
  rpushx: [[LISTS, "RPUSHX l x; RPUSHX none x"]],
  lpop: [[LISTS, "LPOP l; LPOP l 0; LPOP l 5; LPOP l"]],
  rpop: [[LISTS, "RPOP l 2; RPOP m; RPOP m"]],
  linsert: [[LISTS, "LINSERT l BEFORE b x; LINSERT l AFTER none x"]],
  lset: [[LISTS, "LSET l 1 x; LSET l 9 x"]],
  ltrim: [[LISTS, "LTRIM l 1 1; LTRIM l 0 -1; LTRIM l 5 6"]],
  lrem: [[LISTS, "LREM l 0 b; LREM l 0 b"]],
  lmove: [[LISTS, "LMOVE l m LEFT right; LMOVE l l LEFT RIGHT; LMOVE none m LEFT LEFT"]],
  rpoplpush: [[LISTS, "RPOPLPUSH l m; RPOPLPUSH none m"]],
  lmpop: [[LISTS, "LMPOP 3 none l m LEFT; LMPOP 2 l m RIGHT COUNT 10; LMPOP 1 none LEFT; LMPOP 2 l m LEFT COUNT 1"]],
  blpop: [
    [LISTS, "BLPOP none l 0; BLPOP m l 0; MULTI; BLPOP none 0; BLPOP l 0; EXEC"],
    [LISTS, "2> BLPOP n 0; 3> BLPOP n 0; RPUSH n 1 2 3; 2> BLPOP o p 0; MULTI; RPUSH p 1; LPUSH p 2; SET s v; EXEC"],
    [LISTS, "2> BLPOP n 0; 3> BLPOP n 0; RPUSH n 1; RPUSH n 2 3"],
  ],
  brpop: [[LISTS, "BRPOP none l 0; 2> BRPOP n 0; SELECT 1; RPUSH n z; SELECT 0; RPUSH n 1 2"]],
  blmpop: [
    [LISTS, "BLMPOP 0 2 none l LEFT COUNT 2; BLMPOP 0 1 m RIGHT"],
    [LISTS, "2> BLMPOP 0 2 n o LEFT COUNT 2; 3> BLMPOP 0 1 n RIGHT COUNT 9; RPUSH n 1 2 3"],
  ],
  blmove: [
    [LISTS, "BLMOVE l m LEFT right 0; BLMOVE l l Right LEFT 0"],
    [`${LISTS}; SET s v`, "2> BLMOVE n m left RIGHT 0; 3> BLMOVE n s LEFT LEFT 0; RPUSH n 1 2"],
    [LISTS, "2> BLMOVE n o LEFT LEFT 0; 3> BLPOP o 0; RPUSH n 1"],
  ],
  brpoplpush: [[LISTS, "BRPOPLPUSH l m 0; 2> BRPOPLPUSH n m 0; LPUSH n 1 2"]],
  // sets
  sadd: [[SETS, "SADD t a; SADD t x a; SADD n 1 2"]],
  srem: [[SETS, "SREM t a none; SREM t none; SREM t b c"]],
  smove: [[SETS, "SMOVE t u a; SMOVE t u none; SMOVE t t b; SMOVE t n c"]],
  spop: [["SADD t a; SADD u a b c; SADD v a", "SPOP t; SPOP u 0; SPOP u 10; SPOP none; SPOP v 1"]],
  sinterstore: [[SETS, "SINTERSTORE d t u; SINTERSTORE d t none; SINTERSTORE d t none; SINTERSTORE t t u"]],
  sunionstore: [[SETS, "SUNIONSTORE t t u"]],
  sdiffstore: [[SETS, "SDIFFSTORE t u t; SDIFFSTORE t t t"]],
  // sorted sets
  zadd: [[ZSETS, "ZADD z 1 a; ZADD z XX CH 5 a; ZADD z INCR 1 a; ZADD z NX 1 new; ZADD z GT 1 a"]],
  zincrby: [[ZSETS, "ZINCRBY z 1.5 a; ZINCRBY z 0 a"]],
  zrem: [[ZSETS, "ZREM z a none; ZREM z none; ZREM z b c"]],
  zremrangebyrank: [[ZSETS, "ZREMRANGEBYRANK z 0 0; ZREMRANGEBYRANK z 9 10; ZREMRANGEBYRANK z 0 -1"]],
  zremrangebyscore: [[ZSETS, "ZREMRANGEBYSCORE z 2 3; ZREMRANGEBYSCORE z 9 10"]],
  zremrangebylex: [["ZADD z 0 a 0 b", "ZREMRANGEBYLEX z [a [a; ZREMRANGEBYLEX z [x [y"]],
  zrangestore: [[ZSETS, "ZRANGESTORE y z 0 1; ZRANGESTORE y none 0 1; ZRANGESTORE y none 0 1; ZRANGESTORE z z 1 1"]],
  zunionstore: [[ZSETS, "ZUNIONSTORE z 2 z y"]],
  zinterstore: [[ZSETS, "ZINTERSTORE z 2 z y WEIGHTS 2 3; ZINTERSTORE z 2 z none"]],
  zdiffstore: [[ZSETS, "ZDIFFSTORE y 2 z y"]],
  zpopmin: [[ZSETS, "ZPOPMIN z; ZPOPMIN z 0; ZPOPMIN z 10; ZPOPMIN none"]],
  zpopmax: [[ZSETS, "ZPOPMAX z 2"]],
  zmpop: [[ZSETS, "ZMPOP 2 none z MIN; ZMPOP 1 z MAX COUNT 10; ZMPOP 1 z MAX"]],
  bzpopmin: [[ZSETS, "BZPOPMIN none z 0; 2> BZPOPMIN n 0; 3> BZPOPMIN n 0; ZADD n 1 a 2 b 3 c"]],
  bzpopmax: [[ZSETS, "BZPOPMAX z 0; 2> BZPOPMAX n o 0; MULTI; ZADD n 1 a 2 b; ZADD n 3 c; EXEC"]],
  bzmpop: [
    [ZSETS, "BZMPOP 0 2 none z MIN COUNT 2; BZMPOP 0 1 y MAX"],
    [ZSETS, "2> BZMPOP 0 1 n MIN COUNT 2; 3> BZMPOP 0 1 n MAX; ZADD n 1 a 2 b 3 c 4 d"],
  ],
  // places
  geoadd: [[PLACES, "GEOADD g 13.361389 38.115556 Palermo; GEOADD g NX CH 1 2 there; geoadd n 5.5 -7.25 a 1 1 b; GEOADD g XX 1 1 none"]],
  geosearchstore: [[PLACES, "GEOSEARCHSTORE t g FROMLONLAT 15 37 BYRADIUS 200 km ASC; GEOSEARCHSTORE t none FROMLONLAT 15 37 BYRADIUS 200 km"]],
  georadius: [[PLACES, "GEORADIUS g 15 37 200 km STORE t; GEORADIUS g 15 37 200 km; GEORADIUS g 15 37 200 km STOREDIST g; GEORADIUS none 15 37 1 km STORE g"]],
  georadiusbymember: [[PLACES, "GEORADIUSBYMEMBER g Palermo 200 km STORE t; GEORADIUSBYMEMBER g Palermo 200 km"]],
  // streams
  xadd: [
    [TRIMMED, "XADD x 2-* f v; XADD x 2-* f v; XADD x 3 f v; XADD n NOMKSTREAM * f v; XADD x 1-1 f v"],
    [TRIMMED, "XADD x MAXLEN 5 4-1 f v; XADD x MAXLEN = 4 5-* f v; XADD x MINID 2 6-1 f v"],
    [TRIMMED, "XADD x MAXLEN ~ 3 LIMIT 100 4-1 f v; xadd x minid ~ 1-5 5-* f v; XADD x MAXLEN ~ 100 6-1 f v"],
    [TRIMMED, "XDEL x 1-1 1-4; XADD x MINID ~ 1-3 4-1 f v; XADD x MINID ~ 0 4-2 f v; XADD x MAXLEN ~ 0 5-1 f v"],
    ["XADD y 1-1 f v", "XADD x MINID ~ 99 5-1 f v; XADD star * f v; XADD star MAXLEN ~ 10 * f v"],
  ],
  xdel: [[STREAM, "XDEL x 1-1 9-9; XDEL x 9-9"]],
  xtrim: [[TRIMMED, "XTRIM x MAXLEN ~ 4; XTRIM x MAXLEN ~ 4; XTRIM x MINID ~ 1-6 LIMIT 50; XTRIM x MAXLEN 1; XTRIM none MAXLEN 1"]],
  xreadgroup: [
    [GROUP, "XREADGROUP GROUP g a COUNT 2 STREAMS x >; XREADGROUP GROUP g b STREAMS x >; XREADGROUP GROUP g b STREAMS x >; XREADGROUP GROUP g a STREAMS x 0"],
    [`${GROUP}; XADD y 5-5 f v; XGROUP CREATE y g 0`, "XREADGROUP GROUP g a NOACK COUNT 2 STREAMS x >; XREADGROUP GROUP g new NOACK STREAMS x y > >; XREADGROUP GROUP g none NOACK STREAMS x 0"],
    [PENDING, "XGROUP SETID x g 0; XREADGROUP GROUP g b STREAMS x >; XREADGROUP GROUP nogroup b STREAMS x >"],
    [GROUP, "XREADGROUP GROUP g a STREAMS x >; 2> XREADGROUP GROUP g b BLOCK 0 STREAMS x >; 3> XREADGROUP GROUP g c BLOCK 0 NOACK STREAMS x >; XADD x 5-1 f v; XADD x 6-1 f v"],
    [GROUP, "XREADGROUP GROUP g a STREAMS x >; 2> XREADGROUP GROUP g b BLOCK 0 STREAMS x >; DEL x; 3> XREAD BLOCK 0 STREAMS y 0; XADD y 1-1 f v"],
  ],
  "xgroup|create": [[STREAM, "XGROUP CREATE x g $; XGROUP CREATE x g 0; xgroup create n g 0 MKSTREAM; XGROUP CREATE x h 2 ENTRIESREAD 1"]],
  "xgroup|setid": [[GROUP, "XGROUP SETID x g $; XGROUP SETID x g 2-1 ENTRIESREAD 2"]],
  "xgroup|destroy": [[GROUP, "XGROUP DESTROY x none; XGROUP DESTROY x g"]],
  "xgroup|createconsumer": [[GROUP, "XGROUP CREATECONSUMER x g a; XGROUP CREATECONSUMER x g a"]],
  "xgroup|delconsumer": [[PENDING, "XGROUP DELCONSUMER x g a; XGROUP DELCONSUMER x g a"]],
  xack: [[PENDING, "XACK x g 1-1 9-9; XACK x g 1-1; XACK x none 2-1"]],
  xclaim: [
    [PENDING, "XCLAIM x g b 0 1-1 2; XCLAIM x g b 99999 2-1; XCLAIM x g b 0 3-1 JUSTID; XCLAIM x g c 0 4-1 FORCE IDLE 5 RETRYCOUNT 7"],
    [PENDING, "XDEL x 2-1 3-1; XCLAIM x g b 0 2-1 LASTID 3-5; XCLAIM x g b 0 9-9 LASTID 3-7; XCLAIM x g b 0 LASTID 3-8; XCLAIM x g b 0 3 1-1"],
  ],
  xautoclaim: [
    [PENDING, "XAUTOCLAIM x g b 0 0 COUNT 1; XAUTOCLAIM x g b 0 - JUSTID; XAUTOCLAIM x g b 99999 -"],
    [PENDING, "XDEL x 1-1 2-1; XAUTOCLAIM x g b 0 0; XAUTOCLAIM x g none 0 9"],
  ],
  xsetid: [[STREAM, "XSETID x 9-9; XSETID x 10-1 ENTRIESADDED 20 MAXDELETEDID 2-1"]],
  // what is no data
  publish: [["SET s a", "PUBLISH channel message; MULTI; PUBLISH channel a; SET s b; EXEC; MULTI; PUBLISH channel c; EXEC"]],
  spublish: [["SET s a", "SPUBLISH channel message"]],
}; // biome-ignore format: a table

/** Whole sequences: what is told together, and of which database. */
export const SEQUENCES: string[] = [
  "MULTI; SET a 1; EXEC; MULTI; SET a 1; GET a; SET b 2; EXEC; MULTI; GET a; EXEC; MULTI; EXEC; MULTI; SET a 1; DISCARD",
  "MULTI; SELECT 1; SET a 1; SELECT 2; SET a 2; SELECT 0; EXEC; SET a 3; SELECT 4; SET a 4; SELECT 0",
  "SADD t a b c; MULTI; SPOP t 3; INCR n; SET k v EX 100; EXEC; MULTI; FLUSHALL; EXEC",
  "MULTI; SET a 1; LPUSH a x; INCR a; EXEC; WATCH a; SET a 2; MULTI; SET a 3; EXEC",
  "SET a 1; MULTI; SET a 2; NOSUCHCOMMAND; EXEC; SETNX a 5; HSET a f v",
  "SWAPDB 0 1; SET a 1; SELECT 1; SET a 2; SWAPDB 1 0; SELECT 0; DEL a",
  "2> BLPOP l 0; 3> BLPOP m 0; MULTI; RPUSH m 1; RPUSH l 2; EXEC; 2> BLMOVE a b LEFT LEFT 0; 3> BLMOVE b c LEFT LEFT 0; RPUSH a 9",
  "SELECT 3; 2> BLPOP l 0; SELECT 0; RPUSH l a b; RPUSH l c; SELECT 3; RPUSH l d; SELECT 0; 2> BRPOP l 0",
];

/** The commands of a line, each with the number of the client that sends it. */
export function commandsOf(line: string): { client: number; words: string[] }[] {
  const all = line.split("; ").map((one) => {
    const [, client = "1", text] = /^(?:(\d)> )?(.*)$/.exec(one) as unknown as [string, string | undefined, string];
    return { client: Number(client), words: text.split(" ") };
  });
  return all.filter(({ words }) => words[0] !== "");
}
