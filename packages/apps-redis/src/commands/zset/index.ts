import type { CommandSpec } from "../command.js";
import { addCommands } from "./add.js";
import { combineCommands } from "./combine-commands.js";
import { popCommands } from "./pop-commands.js";
import { randomCommands } from "./random.js";
import { rangeCommands } from "./range-commands.js";
import { removeCommands } from "./remove.js";
import { scanCommands } from "./scan.js";
import { scoreCommands } from "./score.js";

/** t_zset: members in the order of their scores. */
export const zsetCommands: readonly CommandSpec[] = [
  ...addCommands,
  ...scoreCommands,
  ...rangeCommands,
  ...removeCommands,
  ...combineCommands,
  ...popCommands,
  ...randomCommands,
  ...scanCommands,
];
