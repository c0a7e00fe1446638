/** Random scripts: a few statements over a few keys, whose values are as long as a test can read. */
import type { Random } from "./random.js";
import type { Request } from "./resp-client.js";

const VALUES = [
  "nil",
  "true",
  "false",
  "0",
  "1",
  "-1",
  "3.99",
  "-3.99",
  "1e15",
  "1e100",
  "2^53",
  "'text'",
  "''",
  "'12'",
  "{}",
  "{1,2,3}",
  "{1,nil,3}",
  "{ok='fine'}",
  "{err='MY error'}",
  "{double=1.5}",
  "{map={a=1}}",
  "{set={a=true}}",
  "{big_number='123'}",
  "{verbatim_string={format='txt',string='x'}}",
  "KEYS[1]",
  "ARGV[1]",
  "#KEYS",
  "#ARGV",
  "ARGV[2] or 'none'",
  "ARGV[1] .. ARGV[1]",
];

const COMMANDS = [
  "'get',KEYS[1]",
  "'set',KEYS[1],ARGV[1]",
  "'incr',KEYS[1]",
  "'incrbyfloat',KEYS[1],0.1",
  "'append',KEYS[1],ARGV[1]",
  "'lpush',KEYS[1],ARGV[1],1.5",
  "'lrange',KEYS[1],0,-1",
  "'rpop',KEYS[1]",
  "'blpop',KEYS[1],0",
  "'sadd',KEYS[1],1,2,ARGV[1]",
  "'scard',KEYS[1]",
  "'zadd',KEYS[1],1.5,ARGV[1]",
  "'zscore',KEYS[1],ARGV[1]",
  "'zrange',KEYS[1],0,-1,'withscores'",
  "'hset',KEYS[1],'f',ARGV[1]",
  "'hget',KEYS[1],'f'",
  "'hgetall',KEYS[1]",
  "'del',KEYS[1]",
  "'exists',KEYS[1]",
  "'type',KEYS[1]",
  "'mget',KEYS[1],'nokey'",
  "'nosuch'",
  "'get'",
  "'select',99",
  "'subscribe','x'",
  "'object','encoding',KEYS[1]",
  "'echo',ARGV[1]",
  "'ping'",
  "'strlen',{}",
  "'setrange',KEYS[1],-1,'x'",
  "'rename',KEYS[1],KEYS[1]",
  "'getrange',KEYS[1],0,3",
];

const LIBRARIES = [
  "cjson.encode(VALUE)",
  "cjson.decode(ARGV[1])",
  "cjson.decode(cjson.encode(VALUE))",
  "cmsgpack.unpack(cmsgpack.pack(VALUE))",
  "cmsgpack.pack(VALUE)",
  "struct.pack('>I2i4', 7, -7)",
  "struct.unpack('<i3', ARGV[1])",
  "struct.size('!4bi')",
  "bit.tohex(VALUE)",
  "bit.bxor(VALUE, 255)",
  "redis.sha1hex(ARGV[1])",
  "redis.error_reply(ARGV[1])",
  "redis.status_reply(ARGV[1])",
  "tostring(VALUE)",
  "tonumber(VALUE)",
  "type(VALUE)",
  "#VALUE",
  "string.format('%5.2f|%s', 1.234, ARGV[1])",
  "ARGV[1]:rep(3)",
  "ARGV[1]:upper()",
  "select('#', VALUE, VALUE)",
  "unpack({VALUE, VALUE})",
  "redis.acl_check_cmd('get', KEYS[1])",
  "pcall(error, VALUE)",
  "math.floor(VALUE)",
  "table.concat({1, 'x', 2.5}, ARGV[1])",
  "nosuch",
  "redis.nosuch",
  "math.random(10)",
];

const ARGUMENTS = [
  "x",
  "",
  "1",
  "-5",
  "1.5",
  "a text of more bytes than sixty four, so that it is no listpack's any more",
  '[1,{"a":null}]',
  "\0\x01\xff",
  "{",
  "OK",
  "MYERR words",
];

export class RandomScript {
  readonly keys = Array.from({ length: 8 }, (_, i) => `key${i}`);

  constructor(private readonly random: Random) {}

  request(): Request {
    const { random } = this;
    const name = random.below(6) === 0 ? "eval_ro" : "eval";
    const shebang = random.below(8) === 0 ? "#!lua flags=no-writes\n" : "";
    const body = Array.from({ length: random.below(3) }, () => this.statement()).join("\n");
    const source = `${shebang}math.randomseed(${random.below(100)})\n${body}\nreturn ${this.expression()}`;
    return [
      name,
      source,
      "1",
      random.pick(this.keys),
      random.pick(ARGUMENTS),
      ...(random.below(2) === 0 ? [random.pick(ARGUMENTS)] : []),
    ];
  }

  private statement(): string {
    const { random } = this;
    switch (random.below(6)) {
      case 0:
        return "redis.setresp(3)";
      case 1:
        return `local a = ${this.expression()}`;
      case 2:
        return `for i = 1, ${random.below(4)} do ${this.call()} end`;
      case 3:
        return `pcall(function() ${this.call()} end)`;
      case 4:
        return `if ${this.expression()} then ${this.call()} end`;
      default:
        return this.call();
    }
  }

  private call(): string {
    return `redis.${this.random.below(3) === 0 ? "call" : "pcall"}(${this.random.pick(COMMANDS)})`;
  }

  private expression(): string {
    const { random } = this;
    const value = (): string => random.pick(VALUES);
    switch (random.below(5)) {
      case 0:
        return value();
      case 1:
        return `{${value()}, ${this.call()}, ${value()}}`;
      case 2:
        return random.pick(LIBRARIES).replaceAll("VALUE", () => `(${value()})`);
      case 3:
        return `{${random.pick(LIBRARIES).replaceAll("VALUE", () => `(${value()})`)}}`;
      default:
        return this.call();
    }
  }
}
