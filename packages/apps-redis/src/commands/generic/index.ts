/** What is done with keys, whatever their values are (Redis: db.c, expire.c, object.c). */
import type { CommandSpec } from "../command.js";
import { deleteCommands } from "./delete.js";
import { dumpCommands } from "./dump.js";
import { existsCommands } from "./exists.js";
import { expireCommands } from "./expire.js";
import { keysCommands } from "./keys.js";
import { objectCommands } from "./object.js";
import { renameCommands } from "./rename.js";
import { sortCommands } from "./sort.js";

export const genericCommands: readonly CommandSpec[] = [
  ...deleteCommands,
  ...dumpCommands,
  ...existsCommands,
  ...expireCommands,
  ...keysCommands,
  ...objectCommands,
  ...renameCommands,
  ...sortCommands,
];
