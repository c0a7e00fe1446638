import type { CommandSpec } from "../command.js";

export const hyperloglogCommands: readonly CommandSpec[] = [];
