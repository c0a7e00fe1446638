/** DEBUG PROTOCOL: a reply of each kind, for those who write clients. */
import type { Reply } from "../../protocol/reply.js";

const KINDS: Record<string, (reply: Reply) => void> = {
  string: (reply) => reply.text("Hello World"),
  integer: (reply) => reply.integer(12345),
  double: (reply) => reply.double("3.141"),
  bignum: (reply) => reply.bigNumber("1234567999999999999999999999999999999"),
  null: (reply) => reply.null(),
  array: (reply) => {
    reply.array(3);
    for (let i = 0; i < 3; i++) reply.integer(i);
  },
  set: (reply) => {
    reply.set(3);
    for (let i = 0; i < 3; i++) reply.integer(i);
  },
  map: (reply) => {
    reply.map(3);
    for (let i = 0; i < 3; i++) {
      reply.integer(i);
      reply.boolean(i === 1);
    }
  },
  attrib: (reply) => {
    if (reply.resp === 3) {
      reply.attribute(1);
      reply.text("key-popularity");
      reply.array(2);
      reply.text("key:123");
      reply.integer(90);
    }
    reply.text("Some real reply following the attribute");
  },
  push: (reply) => {
    if (reply.resp !== 3) return reply.error("ERR RESP2 is not supported by this command");
    reply.push(2);
    reply.text("server-cpu-usage");
    reply.integer(42);
    reply.text("Some real reply following the push reply");
  },
  verbatim: (reply) => reply.verbatim("txt", "This is a verbatim\nstring"),
  true: (reply) => reply.boolean(true),
  false: (reply) => reply.boolean(false),
};

export function replyOfKind(reply: Reply, kind: string): void {
  const write = Object.hasOwn(KINDS, kind) ? KINDS[kind] : undefined;
  if (write !== undefined) return write(reply);
  const names = Object.keys(KINDS).join("|");
  reply.error(`ERR Wrong protocol type name. Please use one of the following: ${names}`);
}
