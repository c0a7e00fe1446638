// Where the card's IOMMU has 39 bits: DPDK's memory lies within its reach, though V8 keeps its own all over the address space. And a
// DPDK that could not start, here because it was told to put its memory out of reach, says why, also at every later try.
//
//   node iommu.mjs within|beyond
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { target } from "./target.mjs";

const BEYOND = 0x7e00_0000_0000;

/** The process's mappings, as [from, to, name]. */
const mappings = () =>
  readFileSync("/proc/self/maps", "utf8")
    .trim()
    .split("\n")
    .map((line) => {
      const [, from, to, name] = /^(\w+)-(\w+) \S+ \w+ \S+ \d+ *(.*)$/.exec(line);
      return [Number.parseInt(from, 16), Number.parseInt(to, 16), name];
    });

const refusal = (options) =>
  target.open(options).then(
    (os) => {
      os.destroy();
      assert.fail("it opened");
    },
    (error) => error,
  );

switch (process.argv[2]) {
  case "within": {
    const os = await target.open();
    // Huge pages of a memfd that EAL names so.
    const memory = mappings().filter(([, , name]) => name.startsWith("/memfd:seg_"));
    assert.notEqual(memory.length, 0, "EAL has memory of huge pages");
    for (const [from, to] of memory) {
      assert.ok(to <= 2 ** 39, `${from.toString(16)}-${to.toString(16)} is within 39 bits`);
    }
    os.destroy();
    console.log(`iommu: DPDK's memory begins at 0x${memory[0][0].toString(16)}, within 39 bits`);
    break;
  }
  case "beyond": {
    const first = await refusal({ eal: [`--base-virtaddr=0x${BEYOND.toString(16)}`] });
    assert.match(first.message, /DPDK did not start .*DMA/);
    const second = await refusal();
    assert.equal(second.code, first.code);
    assert.ok(second.message.startsWith(first.message), `the second error is the first: ${second.message}`);
    assert.match(second.message, /needs a new process/);
    console.log(`iommu: out of reach, twice: ${second.message}`);
    break;
  }
  default:
    assert.fail("within or beyond?");
}
process.exit(0);
