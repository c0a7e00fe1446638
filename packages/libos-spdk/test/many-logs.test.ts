import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type LibOS, openLibOS, PushFlag } from "@demikernel/core";

const folder = mkdtempSync(join(tmpdir(), "demi-spdk-many-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const open = (): Promise<LibOS> =>
  openLibOS({ libos: "spdk", device: `file:${join(folder, "device")},size=256MiB`, from: import.meta.url });

const LOGS = 1024;
const text = (log: number, n: number) => `record ${n} of log ${log}`;
const codeOf = (call: () => unknown): string => {
  try {
    call();
    return "none";
  } catch (error) {
    return (error as { code: string }).code;
  }
};

test(`${LOGS} logs on a device: each has its records, also after opening it again; one more is ENOSPC`, async () => {
  const os = await open();
  const logs = Array.from({ length: LOGS }, (_, i) => os.open(`log ${i}`, "ax+"));
  expect(codeOf(() => os.open("one more", "a+"))).toBe("ENOSPC");
  expect(codeOf(() => os.creat("one more"))).toBe("ENOSPC");
  for (const n of [0, 1]) {
    const tokens = logs.map((qd, i) => os.push(qd, os.sga.from(text(i, n)), PushFlag.FREE));
    for (const done of os.waitAll(tokens, 60_000)) expect(done.result).toBeGreaterThan(0);
  }
  os.destroy();

  const again = await open();
  expect(again.stats()["spdk.damagedPlaces"]).toBe(0);
  const kept = logs.map((_, i) => again.open(`log ${i}`, "r"));
  for (const n of [0, 1]) {
    for (const [i, done] of again
      .waitAll(
        kept.map((qd) => again.pop(qd)),
        60_000,
      )
      .entries()) {
      expect(again.sga.copy(done.sga).toString()).toBe(text(i, n));
      again.free(done.sga);
    }
  }
  // There is room for one when one has gone.
  expect(codeOf(() => again.open("one more", "a+"))).toBe("ENOSPC");
  again.close(kept[500] as never);
  again.unlink("log 500");
  again.close(again.open("one more", "a+"));
  expect(codeOf(() => again.open("log 500", "a+"))).toBe("ENOSPC");
  again.destroy();
}, 240_000);
