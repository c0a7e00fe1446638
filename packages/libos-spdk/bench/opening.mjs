/** Opening a device full of records, after a clean end and after a crash, beside reading the same file with dd. */
import { closeSync, openSync, readSync, statSync, writeSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { Child, interleave, Progress, pairedRatios, quartiles } from "@demikernel/bench";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

/** Of this many bytes each: with their headers, 10 million of them fill a device of 1 GiB. */
const RECORD = 88;
/** As much as opening writes to: superblock and directory, with blocks of 4096 bytes. */
const HEAD = 16 << 20;

export async function compareOpening({ records, rounds, seed }, fileFor, placement) {
  const cpu = placement.server;
  const progress = new Progress(rounds * 3 + 2);
  const run = (name, command, args) => new Child({ name, command, args, cpu }).output();
  const node = async (script, ...args) => run(script, process.execPath, [here(script), ...args]);
  try {
    const heads = {};
    const path = fileFor();
    progress.step(`appending ${records} records`);
    await node("filler.mjs", path, String(RECORD), String(records), "crash").catch((error) => {
      if (!error.message.includes("SIGKILL")) throw error;
    });
    heads["after a crash"] = head(path);
    progress.step("opening");
    // Closed cleanly by whoever looked.
    const first = JSON.parse(await node("opener.mjs", path));
    heads["after a clean end"] = head(path);
    const open = (name) => ({
      name,
      measure: async () => {
        restore(path, heads[name]);
        const opened = JSON.parse(await node("opener.mjs", path));
        if (opened.end !== first.end) throw new Error(`the log ends at ${opened.end}, not at ${first.end}`);
        return opened;
      },
    });
    const dd = {
      name: "dd iflag=direct bs=1M",
      measure: async () => {
        const start = performance.now();
        await run("dd", "dd", [`if=${path}`, "of=/dev/null", "iflag=direct", "bs=1M", "status=none"]);
        return { seconds: (performance.now() - start) / 1000 };
      },
    };
    const onMeasure = (name) => progress.step(name);
    const candidates = [...Object.keys(heads).map(open), dd];
    const { samples } = await interleave(candidates, { rounds, seed, onMeasure });
    const of = (values) => ({ ...quartiles(values), samples: values });
    const seconds = (name) => samples.get(name).map((sample) => sample.seconds);
    return [...samples].map(([name, all]) => ({
      name,
      records,
      mebibytes: statSync(path).size / 2 ** 20,
      seconds: of(seconds(name)),
      toDd: of(pairedRatios(seconds(name), seconds(dd.name))),
      ...(name === dd.name
        ? {}
        : { peakMebibytes: of(all.map(({ kibibytes }) => kibibytes / 1024)), recovered: all[0].recovered }),
    }));
  } finally {
    progress.done();
  }
}

function head(path) {
  const fd = openSync(path, "r");
  const bytes = Buffer.alloc(HEAD);
  readSync(fd, bytes, 0, HEAD, 0);
  closeSync(fd);
  return bytes;
}

function restore(path, bytes) {
  const fd = openSync(path, "r+");
  writeSync(fd, bytes, 0, bytes.length, 0);
  closeSync(fd);
}
