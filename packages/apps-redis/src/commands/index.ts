/** Every command there is, family by family. */
import { aclCommands } from "./acl/index.js";
import { bitmapCommands } from "./bitmap/index.js";
import type { CommandSpec } from "./command.js";
import { connectionCommands } from "./connection/index.js";
import { genericCommands } from "./generic/index.js";
import { geoCommands } from "./geo/index.js";
import { hashCommands } from "./hash/index.js";
import { hyperloglogCommands } from "./hyperloglog/index.js";
import { listCommands } from "./list/index.js";
import { pubsubCommands } from "./pubsub/index.js";
import { replicationCommands } from "./replication/index.js";
import { scriptingCommands } from "./scripting/index.js";
import { serverCommands } from "./server/index.js";
import { setCommands } from "./set/index.js";
import { streamCommands } from "./stream/index.js";
import { stringCommands } from "./string/index.js";
import { CommandTable } from "./table.js";
import { transactionCommands } from "./transaction/index.js";
import { zsetCommands } from "./zset/index.js";

const FAMILIES: readonly (readonly CommandSpec[])[] = [
  aclCommands,
  bitmapCommands,
  connectionCommands,
  genericCommands,
  geoCommands,
  hashCommands,
  hyperloglogCommands,
  listCommands,
  pubsubCommands,
  replicationCommands,
  scriptingCommands,
  serverCommands,
  setCommands,
  streamCommands,
  stringCommands,
  transactionCommands,
  zsetCommands,
];

export const commandTable = (): CommandTable => new CommandTable(FAMILIES.flat());
