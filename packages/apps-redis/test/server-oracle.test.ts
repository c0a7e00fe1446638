/** CONFIG, CLIENT, COMMAND, ACL and others of the server itself: beside redis-server, by their bytes. */

import type { Reply, Request } from "./resp-client.js";
import { sideBySide } from "./side-by-side.js";

const requests = (...lines: string[]): Request[] =>
  lines.map((line) => line.split(" ").map((word) => (word === '""' ? "" : word)));
const sorted = (reply: Reply): Reply =>
  Array.isArray(reply) ? reply.map(sorted).sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1)) : reply;

sideBySide("the server's own commands", [], (both) => {
  const same = (...lines: string[]) => both.compare(requests(...lines).map((command) => ({ command, normal: sorted })));

  test("CONFIG SET says why not, as Redis does, and sets all or none", async () => {
    await same(
      "config set nosuch 1",
      "config set maxmemory 1xx",
      "config set maxmemory 10mb hz abc",
      "config get maxmemory",
      "config set maxmemory 1gb timeout 3",
      "config get maxmemory timeout",
      "config set timeout 1 timeout 2",
      "config set maxmemory 0 timeout 0",
      "config set databases 3",
      "config set dir /",
      "config set maxmemory-policy sometimes",
      "config set maxmemory-clients 500%",
      "config set maxmemory-clients 5%",
      "config get maxmemory-clients",
      "config set maxmemory-clients 0",
      "config set appendfsync never",
      "config set activedefrag maybe",
      "config set list-max-ziplist-size 99999999999",
      "config get *max-ziplist*",
      "config set save 1",
      'config set save ""',
      "config set notify-keyspace-events KEQ",
      "config set notify-keyspace-events KEA",
      "config get notify-keyspace-events",
      'config set notify-keyspace-events ""',
      "config set client-output-buffer-limit x",
      "config get client-output-buffer-limit",
      "config get",
      "config rewrite",
    );
  });

  test("every parameter of Redis is told, with its default", async () => {
    const own = new Set(["port", "dir", "save", "bind", "slaveof"]);
    const pairs = (reply: Reply): Map<string, string> => {
      const words = reply as string[];
      const all = new Map<string, string>();
      for (let i = 0; i < words.length; i += 2) if (!own.has(words[i])) all.set(words[i], words[i + 1]);
      return all;
    };
    const [ours] = await both.ours([["config", "get", "*"]]);
    const [redis] = await both.redis([["config", "get", "*"]]);
    const [a, b] = [pairs(ours), pairs(redis)];
    b.set("unixsocket", "");
    expect([...a.keys()].sort()).toEqual([...b.keys()].sort());
    expect(Object.fromEntries(a)).toEqual(Object.fromEntries(b));
  });

  test("CLIENT says why not", async () => {
    await same(
      "client kill 1.1.1.1:2",
      "client kill id 0",
      "client kill type nothing",
      "client kill skipme maybe",
      "client kill user nobody",
      "client list type nothing",
      "client list id x",
      "client pause x",
      "client pause -1",
      "client pause 1 some",
      "client reply maybe",
      "client no-evict maybe",
      "client unblock x",
      "client unblock 1 because",
      "client tracking on optin optout",
      "client tracking on prefix a",
      "client tracking on bcast prefix a prefix ab",
      "client tracking on redirect 99999",
      "client caching yes",
      "client trackinginfo",
      "client setname me",
      "client getname",
      "client nothing",
      "hello 4",
      "hello 2 what",
      "auth a b c",
      "reset",
      "client getname",
      "ping a b",
    );
  });

  test("COMMAND INFO has the flags, categories and keys of Redis", async () => {
    const [names] = await both.ours([["command", "list"]]);
    const bare = (reply: Reply): Reply => {
      if (!Array.isArray(reply)) return reply;
      // Notes are told in other words.
      const notes = reply.indexOf("notes");
      return sorted((notes < 0 ? reply : reply.toSpliced(notes, 2)).map(bare));
    };
    const commands = (names as string[]).map((name) => ({ command: ["command", "info", name], normal: bare }));
    await both.compare(commands);
  });

  test("ACL has Redis's rules and Redis's words", async () => {
    await same(
      "acl setuser u on >pw ~a* %R~r* %W~w* +get &c*",
      "acl getuser u",
      "acl setuser u +nothing",
      "acl setuser u +@nothing",
      "acl setuser u nothing",
      "acl setuser u +config|get|x",
      "acl setuser u allkeys ~x",
      "acl setuser u <nopw",
      "acl setuser u #abc",
      "acl setuser u (+set ~x*)",
      "acl setuser u (+set",
      "acl getuser u",
      "acl dryrun u get a1",
      "acl dryrun u get b1",
      "acl dryrun u set x1 v",
      "acl dryrun u set r1 v",
      "acl dryrun u lpush a1 v",
      "acl dryrun u publish d m",
      "acl deluser default",
      "acl deluser u",
      "acl cat",
      "acl cat nothing",
      "acl load",
      "acl genpass 0",
    );
  });

  test("SLOWLOG, LATENCY, MEMORY, PUBSUB and SHUTDOWN say why not", async () => {
    await same(
      "slowlog get -2",
      "slowlog get x",
      "latency history nothing",
      "latency graph nothing",
      "latency histogram nothing",
      "module list",
      "module list all",
      "module load",
      "module load /nowhere",
      "module loadex /nowhere args 1",
      "module unload nothing",
      "module nosuch",
      "command info module module|list module|load module|loadex module|unload module|help",
      "memory usage nothing",
      "memory usage a samples x",
      "pubsub channels a b",
      "pubsub numsub a",
      "pubsub nothing",
      "shutdown save nosave",
      "shutdown abort",
      "role",
    );
  });
});
