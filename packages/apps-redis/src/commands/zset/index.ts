import type { CommandSpec } from "../command.js";
import { addCommands } from "./add.js";
import { rangeCommands } from "./range-commands.js";
import { removeCommands } from "./remove.js";
import { scoreCommands } from "./score.js";

/** t_zset: members in the order of their scores. */
export const zsetCommands: readonly CommandSpec[] = [
  ...addCommands,
  ...scoreCommands,
  ...rangeCommands,
  ...removeCommands,
];
