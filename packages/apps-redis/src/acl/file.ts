/** aclfile: a line "user name rule..." for each user. */
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { splitArguments } from "../protocol/inline.js";
import type { Server } from "../server/server.js";
import { describeUser } from "./describe.js";
import { mergeSelectors, User } from "./user.js";

/** Users of the file; what is wrong with it, or undefined. Nothing is changed unless all of it is right. */
export function loadUsers(server: Server, path: string): string | undefined {
  let text: string;
  try {
    text = readFileSync(path, "latin1");
  } catch (error) {
    return `Error loading ACLs, opening file '${path}': ${(error as Error).message}`;
  }
  const users = new Map<string, User>();
  const errors: string[] = [];
  for (const [i, line] of text.split("\n").entries()) {
    if (line.trim() === "" || line.trimStart().startsWith("#")) continue;
    const where = `${path}:${i + 1}:`;
    const words = splitArguments(line.trim());
    if (words === undefined) errors.push(`${where} unbalanced quotes in acl line.`);
    else if (words[0] !== "user" || words.length < 2) errors.push(`${where} line should start with user keyword.`);
    else if (users.has(words[1])) errors.push(`${where} user '${words[1]}' declared twice.`);
    else {
      const user = new User(words[1], server.commands, server.acl.allChannels);
      const why = applyAll(user, words.slice(2), server.acl.allChannels);
      if (why === undefined) users.set(words[1], user);
      else errors.push(`${where} ${why}.`);
    }
  }
  if (errors.length !== 0) {
    return `${errors.join(" ")} WARNING: ACL errors detected, no change to the previously active ACL rules was performed`;
  }
  server.acl.replace(users);
  return undefined;
}

export function applyAll(user: User, rules: readonly string[], allChannels: boolean): string | undefined {
  const merged = mergeSelectors(rules);
  if ("open" in merged) return `Unmatched parenthesis in selector definition.`;
  for (const rule of merged) {
    const why = user.apply(rule, allChannels);
    if (why !== undefined) return why;
  }
  return undefined;
}

export function saveUsers(server: Server, path: string): void {
  const made = `${path}.${process.pid}.tmp`;
  writeFileSync(
    made,
    userLines(server)
      .map((line) => `user ${line}\n`)
      .join(""),
    "latin1",
  );
  renameSync(made, path);
}

export const userLines = (server: Server): string[] =>
  server.acl.sorted().map((user) => `${user.name} ${describeUser(user, server.commands)}`);
