import type { CommandSpec } from "../command.js";

export const geoCommands: readonly CommandSpec[] = [];
