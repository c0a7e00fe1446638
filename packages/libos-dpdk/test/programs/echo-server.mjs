// An echo server as a program: the options of openLibOS() as JSON, and how it is to end: "signal", "exit" or "throw". Port 7.
import { openLibOS } from "@demikernel/core";
import { echo } from "./echo.mjs";

const [options, end] = process.argv.slice(2);
const os = await openLibOS({ from: import.meta.url, ...JSON.parse(options) });
const { handle } = echo(os, JSON.parse(options).ipv4.split("/")[0], 7);
void os.run(handle);
if (end === "signal") process.on("SIGINT", () => process.exit(130));
process.on("message", () => {
  if (end === "exit") process.exit(0);
  if (end === "throw") throw new Error("on purpose");
});
process.send("ready");
