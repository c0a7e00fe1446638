#!/usr/bin/env node
import { tell } from "./failure.js";
import { demiLog } from "./program.js";

// A closed pipe (demi-log cat app.log visits | head) is not an error here. The libOS is destroyed as the process ends.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  process.exit(error.code === "EPIPE" ? 0 : 1);
});

try {
  await demiLog().parseAsync();
} catch (error) {
  tell(error);
}
