import type { CommandSpec } from "../command.js";
import { pointCommands } from "./points.js";
import { searchCommands } from "./search-commands.js";

/** Places on Earth: sorted sets whose scores are geohashes. */
export const geoCommands: readonly CommandSpec[] = [...pointCommands, ...searchCommands];
