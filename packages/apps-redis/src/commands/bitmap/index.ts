import type { CommandSpec } from "../command.js";

export const bitmapCommands: readonly CommandSpec[] = [];
