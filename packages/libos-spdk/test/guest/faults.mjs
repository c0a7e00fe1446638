// Controllers that fail: blocks that cannot be read or written, commands that take too long, a device that goes. The sectors are those of
// run.sh. What the log has to do about each is in docs/log-format.md.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { PushFlag } from "@demikernel/core";
import { runCases } from "../../../../tools/lab-vm/guest-cases.mjs";
import { openNvme } from "./nvme.mjs";

const { first, bad, slow } = process.env;
const EIO = -5;
const ENODEV = -19;
const ETIMEDOUT = -110;
const LIMIT = 60_000_000;

const record = (n, bytes) => {
  const data = Buffer.alloc(bytes, n & 255);
  data.writeUInt32LE(n, 0);
  return data;
};
const append = (os, log, n, bytes) => os.wait(os.push(log, os.sga.from(record(n, bytes)), PushFlag.FREE), LIMIT).result;

/** Every record of a log: its number, or an errno. What cannot be read is stepped over: a pop that fails leaves the cursor on the record. */
function* records(os, log) {
  for (;;) {
    const { result, sga } = os.wait(os.pop(log), LIMIT);
    if (result === 0) return;
    if (result < 0) {
      yield { error: result };
      os.lseek(log, 1, "cur");
      continue;
    }
    const bytes = os.sga.copy(sga);
    os.free(sga);
    const n = bytes.readUInt32LE(0);
    assert.deepEqual(bytes, record(n, bytes.length), `record ${n} is as it was pushed`);
    yield { n };
  }
}

const refusal = (controller) =>
  openNvme(controller).then(
    (os) => {
      os.destroy();
      assert.fail("it opened");
    },
    (error) => error,
  );

const cases = {
  "a block that cannot be written is EIO to its push, and one that cannot be read to its pop; all the rest is there":
    async () => {
      const written = new Set();
      let failed = 0;
      let os = await openNvme(bad);
      let log = os.open("bad", "a+");
      // Over both of the sectors.
      for (let n = 0; n < 110; n++) {
        const result = append(os, log, n, 40_000);
        if (result === 40_000) {
          written.add(n);
        } else {
          assert.equal(result, EIO);
          failed++;
        }
      }
      assert.ok(failed >= 1 && failed <= 3, `${failed} pushes failed`);
      const look = () => {
        os.lseek(log, 0, "set");
        const seen = [...records(os, log)];
        const errors = seen.filter(({ error }) => error !== undefined);
        const found = seen.filter(({ n }) => n !== undefined).map(({ n }) => n);
        assert.deepEqual(
          errors.map(({ error }) => error),
          errors.map(() => EIO),
        );
        assert.ok(errors.length >= 1 && errors.length <= 2, `${errors.length} records cannot be read`);
        assert.deepEqual(
          found,
          [...found].sort((a, b) => a - b),
        );
        const missing = [...written].filter((n) => !found.includes(n));
        assert.equal(missing.length, 1, `only the record on the block is missing: ${missing}`);
        return missing[0];
      };
      const missing = look();
      os.destroy();
      os = await openNvme(bad);
      log = os.open("bad", "a+");
      assert.equal(look(), missing);
      assert.equal(append(os, log, 1000, 5000), 5000);
      assert.ok([...records(os, log)].some(({ n }) => n === 1000));
      const { "spdk.retries": retries, "spdk.resets": resets } = os.stats();
      os.destroy();
      return `${failed} of 110 pushes, record ${missing}; ${retries} retries, ${resets} resets`;
    },

  "a device that is open is EBUSY": async () => {
    const os = await openNvme(first);
    assert.equal((await refusal(first)).code, "EBUSY");
    os.destroy();
    (await openNvme(first)).destroy();
  },

  "commands that take too long are aborted, the controller is reset, and it works again": async () => {
    const os = await openNvme(`${slow},timeout=1`);
    const log = os.open("slow", "a+");
    const start = Date.now();
    let late = 0;
    let n = 0;
    // Until the allowance is used up, and the next has to wait for some seconds.
    while (os.stats()["spdk.resets"] < 1 && Date.now() - start < 50_000) {
      const result = append(os, log, n++, 1_000_000);
      if (result === ETIMEDOUT) late++;
      else assert.equal(result, 1_000_000);
    }
    const { "spdk.timeouts": timeouts, "spdk.resets": resets } = os.stats();
    assert.ok(timeouts >= 1, "a command was too late");
    assert.ok(resets >= 1, "the controller was reset");
    // It still has to wait, so a push or two more may be too late.
    let worked = false;
    for (let tries = 0; tries < 5 && !worked; tries++) worked = append(os, log, n++, 100) === 100;
    assert.ok(worked, "it works again");
    os.destroy();
    return `${timeouts} timeouts, ${resets} resets, ${late} of ${n} pushes were too late`;
  },

  "a controller that is taken away ends everything with ENODEV, and the kernel gets it back": async () => {
    const os = await openNvme(first);
    const log = os.open("gone", "a+");
    assert.equal(append(os, log, 0, 100), 100);
    const device = `/sys/bus/pci/devices/${first}`;
    // Waits for us to let go: not in this process, which has to.
    const removing = import("node:child_process").then(
      ({ execFile }) =>
        new Promise((resolve, reject) =>
          execFile("sh", ["-c", `echo 1 >${device}/remove`], (error) => (error ? reject(error) : resolve())),
        ),
    );
    let result = 100;
    const start = Date.now();
    while (result === 100 && Date.now() - start < 20_000) {
      result =
        (await os.async.push(log, os.sga.from("x".repeat(100)), { free: true }).catch((error) => error)).errno ?? 100;
    }
    assert.equal(result, ENODEV);
    await removing;
    assert.ok(!existsSync(device));
    assert.equal(append(os, log, 1, 100), ENODEV);
    os.destroy();
    writeFileSync("/sys/bus/pci/rescan", "1");
    assert.equal((await refusal(first)).code, "EBUSY", "no driver has it");
    execFileSync("sh", ["-c", `echo vfio-pci >${device}/driver_override; echo ${first} >/sys/bus/pci/drivers_probe`]);
    const again = await openNvme(first);
    const kept = again.open("gone", "a+");
    assert.deepEqual([...records(again, kept)].slice(0, 1), [{ n: 0 }]);
    again.destroy();
  },

  "a controller that has lost its registers is given up, and what is pushed then ends at once": async () => {
    const os = await openNvme(first);
    const log = os.open("vanished", "a+");
    assert.equal(append(os, log, 0, 100), 100);
    // Memory space off. A device that was pulled out reads as ones; QEMU gives zeros, and so it seems to be one that does not start.
    execFileSync("sh", [
      "-c",
      `printf "\\0\\0" | dd of=/sys/bus/pci/devices/${first}/config bs=1 seek=4 conv=notrunc status=none`,
    ]);
    assert.equal(append(os, log, 1, 100), EIO);
    const start = Date.now();
    assert.equal(append(os, log, 2, 100), EIO);
    assert.ok(Date.now() - start < 1000);
    os.destroy();
    const again = await openNvme(first);
    const kept = again.open("vanished", "a+");
    assert.deepEqual([...records(again, kept)], [{ n: 0 }]);
    again.destroy();
  },
};

await runCases("faults", cases, { limit: 120_000, after: () => {} });
