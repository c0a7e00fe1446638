/** Files that are written under another name until they are whole, as Redis names them; one that a process left behind when it was killed is removed. */
import { readdirSync, unlinkSync } from "node:fs";
import { join } from "node:path";

const NAME = /^temp-(?:rewriteaof-bg-)?(\d+)(?:-\d+)?\.(?:rdb|aof|manifest)$/;
let made = 0;

/** The path of one in the folder that is the process's now. Each is another: what is abandoned may be there for a while. */
export function temporaryFile(): string {
  const n = made++;
  return join(process.cwd(), n === 0 ? `temp-${process.pid}.rdb` : `temp-${process.pid}-${n}.rdb`);
}

/** Removes those of processes that are no more from a folder. Only before the first is made. */
export function removeTemporaries(folder = "."): void {
  for (const name of readdirSync(folder)) {
    const pid = Number(NAME.exec(name)?.[1] ?? 0);
    if (pid === 0 || (pid !== process.pid && isAlive(pid))) continue;
    try {
      unlinkSync(join(folder, name));
    } catch {
      // It is another user's, or gone.
    }
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
}
