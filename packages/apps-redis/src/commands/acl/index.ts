import type { CommandSpec } from "../command.js";

export const aclCommands: readonly CommandSpec[] = [];
