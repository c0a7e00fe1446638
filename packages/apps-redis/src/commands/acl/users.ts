/** ACL's subcommands about users. */
import { randomBytes } from "node:crypto";
import { CATEGORIES, categoriesOf } from "../../acl/categories.js";
import { channelsText, commandsText, keysText, userFlags } from "../../acl/describe.js";
import { loadUsers, saveUsers, userLines } from "../../acl/file.js";
import { denialOf } from "../../acl/permission.js";
import { everyCommand, type Selector } from "../../acl/selector.js";
import { Args } from "../../protocol/args.js";
import type { Call } from "../../server/call.js";
import { lookUp } from "../server/command-command.js";

const MOST_BITS = 4096;

export function setUser(call: Call): void {
  const { args, reply, server } = call;
  for (let i = 2; i < args.count; i++) call.redact(i);
  const name = args.text(2);
  if (/[\s\0]/.test(name)) return reply.error("ERR Usernames can't contain spaces or null characters");
  const why = server.acl.setUser(name, args.texts(3));
  if (why === undefined) reply.ok();
  else reply.error(`ERR ${why}`);
}

export function delUser({ args, reply, server }: Call): void {
  const names = args.texts(2);
  if (names.includes("default")) return reply.error("ERR The 'default' user cannot be removed");
  reply.integer(names.filter((name) => server.acl.deleteUser(name)).length);
}

export function getUser({ args, reply, server }: Call): void {
  const user = server.acl.users.get(args.text(2));
  if (user === undefined) return reply.null();
  const tellSelector = (selector: Selector): void => {
    reply.text("commands");
    reply.text(commandsText(selector, server.commands));
    reply.text("keys");
    reply.text(keysText(selector));
    reply.text("channels");
    reply.text(channelsText(selector));
  };
  reply.map(6);
  reply.text("flags");
  const flags = userFlags(user);
  reply.set(flags.length);
  for (const flag of flags) reply.text(flag);
  reply.text("passwords");
  reply.texts([...user.passwords]);
  const [root, ...others] = user.selectors;
  tellSelector(root);
  reply.text("selectors");
  reply.array(others.length);
  for (const selector of others) {
    reply.map(3);
    tellSelector(selector);
  }
}

export function users({ reply, server }: Call): void {
  reply.texts(server.acl.sorted().map(({ name }) => name));
}

export function listUsers({ reply, server }: Call): void {
  reply.texts(userLines(server).map((line) => `user ${line}`));
}

export function whoAmI({ client, reply }: Call): void {
  reply.textOrNull(client.user?.name);
}

export function categories(call: Call): void {
  const { args, reply, server } = call;
  if (args.count > 3) return wrongCount(call);
  if (args.count === 2) return reply.texts(CATEGORIES);
  const category = args.text(2).toLowerCase();
  if (!(CATEGORIES as readonly string[]).includes(category))
    return reply.error(`ERR Unknown category '${args.text(2).slice(0, 128)}'`);
  const found = [...everyCommand(server.commands)].filter((command) => categoriesOf(command).includes(category));
  reply.texts(found.map(({ fullName }) => fullName));
}

export function generatePassword(call: Call): void {
  const { args, reply } = call;
  if (args.count > 3) return wrongCount(call);
  const bits = args.count === 3 ? args.integer(2) : 256n;
  if (bits === undefined) return reply.error("ERR value is not an integer or out of range");
  if (bits <= 0n || bits > BigInt(MOST_BITS)) {
    return reply.error(
      "ERR ACL GENPASS argument must be the number of bits for the output password, " +
        `a positive number up to ${MOST_BITS}`,
    );
  }
  const characters = Math.floor((Number(bits) + 3) / 4);
  reply.text(
    randomBytes(Math.ceil(characters / 2))
      .toString("hex")
      .slice(0, characters),
  );
}

export function log(call: Call): void {
  const { args, reply, server } = call;
  if (args.count > 3) return wrongCount(call);
  const refusals = server.acl.log;
  if (args.count === 3 && args.is(2, "reset")) {
    refusals.entries = [];
    return reply.ok();
  }
  const count = args.count === 3 ? args.integer(2) : 10n;
  if (count === undefined) return reply.error("ERR value is not an integer or out of range");
  const told = refusals.entries.slice(0, Math.max(0, Number(count)));
  reply.array(told.length);
  for (const { count: times, reason, context, object, user, time, client } of told) {
    reply.map(7);
    reply.text("count");
    reply.integer(times);
    for (const [name, value] of Object.entries({ reason, context, object, username: user })) {
      reply.text(name);
      reply.text(value);
    }
    reply.text("age-seconds");
    reply.double(String((Date.now() - time) / 1000));
    reply.text("client-info");
    reply.text(client);
  }
}

export function dryRun({ args, reply, server }: Call): void {
  const user = server.acl.users.get(args.text(2));
  if (user === undefined) return reply.error(`ERR User '${args.text(2)}' not found`);
  const asked = Args.of(...args.texts(3));
  const command = lookUp(server, asked);
  if (command === undefined) return reply.error(`ERR Command '${args.text(3)}' not found`);
  const { arity, fullName } = command;
  if (arity > 0 ? arity !== asked.count : asked.count < -arity)
    return reply.error(`ERR wrong number of arguments for '${fullName}' command`);
  const denial = denialOf(user, command, asked);
  if (denial === undefined) return reply.ok();
  if (denial.reason === "command") reply.text(`This user has no permissions to run the '${fullName}' command`);
  else reply.text(`This user has no permissions to access the '${asked.text(denial.index)}' ${denial.reason}`);
}

const NO_FILE =
  "ERR This Redis instance is not configured to use an ACL file. You may want to specify users via the ACL SETUSER " +
  "command and then issue a CONFIG REWRITE (assuming you have a Redis configuration file set) in order to store users " +
  "in the Redis configuration.";

export function load({ reply, server }: Call): void {
  const { aclfile } = server.config;
  const why = aclfile === "" ? undefined : loadUsers(server, aclfile);
  if (aclfile === "") reply.error(NO_FILE);
  else if (why === undefined) reply.ok();
  else reply.error(`ERR ${why}`);
}

export function save({ reply, server }: Call): void {
  const { aclfile } = server.config;
  if (aclfile === "") return reply.error(NO_FILE);
  try {
    saveUsers(server, aclfile);
    reply.ok();
  } catch {
    reply.error("ERR There was an error trying to save the ACLs. Please check the server logs for more information");
  }
}

function wrongCount({ args, reply }: Call): void {
  reply.error(`ERR unknown subcommand or wrong number of arguments for '${args.text(1).slice(0, 128)}'. Try ACL HELP.`);
}
