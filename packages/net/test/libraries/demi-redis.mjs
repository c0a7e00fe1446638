import { fileURLToPath } from "node:url";
import { casesOf } from "./redis-cases.mjs";

const PROGRAM = fileURLToPath(new URL("../../../apps-redis/dist/cli.js", import.meta.url));

/** The server of this repository. */
const { cases, begin, end } = casesOf((port) => ({
  file: process.execPath,
  // Without a dump.rdb that the next one would begin with.
  args: [PROGRAM, "server", "--port", String(port), "--save", ""],
}));

export { begin, cases as default, end };
