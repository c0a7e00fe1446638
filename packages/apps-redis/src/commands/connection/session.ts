/** Who a client is and how it is spoken to: PING, ECHO, HELLO, AUTH, QUIT, RESET. */
import type { Call } from "../../server/call.js";
import type { Client } from "../../server/client.js";
import { PubSub } from "../../server/pubsub.js";
import type { Server } from "../../server/server.js";
import { discardTransaction } from "../../server/transaction.js";

export const VERSION = "7.0.15";
const WRONG_PASSWORD = "WRONGPASS invalid username-password pair or user is disabled.";

export function ping({ args, client, reply }: Call): void {
  if (args.count > 2) return reply.error("ERR wrong number of arguments for 'ping' command");
  const isListening = client.resp === 2 && PubSub.isSubscriber(client);
  if (isListening) {
    reply.array(2);
    reply.text("pong");
  }
  if (args.count === 2) reply.bulk(args.bytes, args.at(1), args.length(1));
  else if (isListening) reply.text("");
  else reply.status("PONG");
}

export function echo({ args, reply }: Call): void {
  reply.bulk(args.bytes, args.at(1), args.length(1));
}

export function auth(call: Call): void {
  const { args, client, reply, server } = call;
  if (args.count > 3) return call.syntaxError();
  for (let i = 1; i < args.count; i++) call.redact(i);
  if (args.count === 2 && server.acl.defaultUser.needsNoPassword) {
    return reply.error(
      "ERR AUTH <password> called without any password configured for the default user. " +
        "Are you sure your configuration is correct?",
    );
  }
  const name = args.count === 2 ? "default" : args.text(1);
  if (server.acl.authenticate(client, name, args.text(args.count - 1))) reply.ok();
  else reply.error(WRONG_PASSWORD);
}

export function hello(call: Call): void {
  const { args, client, reply, server } = call;
  let version = 0;
  if (args.count > 1) {
    const given = args.integer(1);
    if (given === undefined) return reply.error("ERR Protocol version is not an integer or out of range");
    if (given < 2n || given > 3n) return reply.error("NOPROTO unsupported protocol version");
    version = Number(given);
  }
  for (let i = 2; i < args.count; i++) {
    const more = args.count - 1 - i;
    if (args.is(i, "auth") && more >= 2) {
      call.redact(i + 1);
      call.redact(i + 2);
      if (!server.acl.authenticate(client, args.text(i + 1), args.text(i + 2))) return reply.error(WRONG_PASSWORD);
      i += 2;
    } else if (args.is(i, "setname") && more >= 1) {
      if (!setName(call, args.text(++i))) return;
    } else {
      return reply.error(`ERR Syntax error in HELLO option '${args.text(i)}'`);
    }
  }
  if (client.user === undefined) {
    return reply.error(
      "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO AUTH <user> <pass> " +
        "option can be used to authenticate the client and select the RESP protocol version at the same time",
    );
  }
  if (version !== 0) client.resp = reply.resp = version;
  reply.map(7);
  reply.text("server");
  reply.text("redis");
  reply.text("version");
  reply.text(VERSION);
  reply.text("proto");
  reply.integer(client.resp);
  reply.text("id");
  reply.integer(client.id);
  reply.text("mode");
  reply.text("standalone");
  reply.text("role");
  reply.text("master");
  reply.text("modules");
  reply.array(0);
}

/** False: it cannot be its name, which was replied. */
export function setName({ client, reply }: Call, name: string): boolean {
  if (/[^!-~]/.test(name)) {
    reply.error("ERR Client names cannot contain spaces, newlines or special characters.");
    return false;
  }
  client.name = name;
  return true;
}

export function quit({ client, reply }: Call): void {
  reply.ok();
  client.isLeaving = true;
}

export function reset({ client, reply, server }: Call): void {
  forget(server, client);
  reply.resp = client.resp;
  reply.status("RESET");
}

/** As if it had just come. */
function forget(server: Server, client: Client): void {
  server.tracker.forget(client);
  server.pubsub.forget(client);
  discardTransaction(server, client);
  client.db = 0;
  client.resp = 2;
  client.name = "";
  client.isKept = false;
  server.observer.forget(client);
  client.replies = "on";
  client.user = server.acl.newcomer();
}
