// Says whether the code of libc in memory is that of its file, while a libOS is open: whoever overwrites functions that other threads may be
// running ends the process.
//
//   node libc-code.mjs PROVIDER [ADDRESS]
import { closeSync, openSync, readFileSync, readSync } from "node:fs";
import { openLibOS } from "@demikernel/core";

const [provider, address] = process.argv.slice(2);
const os = await openLibOS({ libos: "rdma", provider, ...(address === undefined ? {} : { address }) });
const { bytes, changed } = compare();
os.destroy();
console.log(`${provider}: ${bytes > 100_000 ? "read" : `only ${bytes} bytes`}, ${changed} bytes of libc changed`);

function compare() {
  const memory = openSync("/proc/self/mem");
  let [bytes, changed] = [0, 0];
  for (const line of readFileSync("/proc/self/maps", "utf8").split("\n")) {
    const [range, rights, offset, , , path] = line.split(/\s+/);
    if (!rights?.includes("x") || !/\/libc[.-]/.test(path)) continue;
    const [start, end] = range.split("-").map((text) => BigInt(`0x${text}`));
    const file = openSync(path);
    const loaded = read(memory, start, Number(end - start));
    const stored = read(file, BigInt(`0x${offset}`), loaded.length);
    closeSync(file);
    bytes += loaded.length;
    changed += loaded.reduce((sum, byte, i) => sum + Number(byte !== stored[i]), 0);
  }
  closeSync(memory);
  return { bytes, changed };
}

function read(fd, position, length) {
  const bytes = new Uint8Array(length);
  // The last page of a mapping may reach beyond the file's end, where it is zero.
  readSync(fd, bytes, 0, length, position);
  return bytes;
}
