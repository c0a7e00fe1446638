// Says whether the code of libc in memory is that of its file, while a libOS is open: whoever overwrites functions that other threads may be
// running ends the process.
//
//   node libc-code.mjs PROVIDER
import { openLibOS } from "@demikernel/core";
import { compareLibc } from "./compare-libc.mjs";

const [provider] = process.argv.slice(2);
const os = await openLibOS({ libos: "rdma", provider });
const { bytes, changed } = compareLibc();
os.destroy();
console.log(`${provider}: ${bytes > 100_000 ? "read" : `only ${bytes} bytes`}, ${changed} bytes of libc changed`);
