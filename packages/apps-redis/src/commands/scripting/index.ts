import type { CommandSpec } from "../command.js";

export const scriptingCommands: readonly CommandSpec[] = [];
