// Runs inside a fresh network namespace: makes the veth, then runs jest.
import { rmSync } from "node:fs";
import { jest } from "./jest.mjs";
import { makeWire } from "./wire.mjs";

// Whoever started this is gone: so is the reason for all of this.
process.on("disconnect", () => {
  rmSync(process.env.DEMI_BED_FOLDER, { recursive: true, force: true });
  process.kill(-process.pid, "SIGKILL");
});
makeWire();
const args = process.argv.slice(2);
const keep = args.includes("--keep");
// A signal also ends jest, which is in this process's group; what comes after it is still done here.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.on(signal, () => undefined);
const code = await jest(
  args.filter((arg) => arg !== "--keep"),
  { DEMI_BED: "1" },
);
if (keep) {
  process.stderr.write(`the bed stays: nsenter --net=/proc/${process.pid}/ns/net; Ctrl-C ends it\n`);
  await new Promise((resolve) => process.once("SIGINT", resolve));
}
process.exit(code);
