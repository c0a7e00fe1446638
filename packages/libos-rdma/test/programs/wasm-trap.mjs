// Loads the addon and opens a libOS over each provider that every machine has, then reads outside a WebAssembly memory, which V8 finds out by
// SIGSEGV: that must throw, as without the addon.
//
//   node wasm-trap.mjs main|worker     which thread does it
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { parentPort, Worker, workerData } from "node:worker_threads";
import { openLibOS } from "@demikernel/core";
import rdma from "@demikernel/libos-rdma";

if (workerData === "load") {
  await load();
  // The addon is unloaded with the last thread that has it: this one waits to be ended.
  parentPort.on("message", () => undefined);
  parentPort.postMessage("loaded");
} else {
  const before = handlers();
  if (process.argv[2] === "main") await load();
  else await once(new Worker(new URL(import.meta.url), { workerData: "load" }), "message");
  // (module (memory 1) (func (export "read") (param i32) (result i32) (i32.load (local.get 0))))
  const module = Buffer.from(
    "0061736d0100000001060160017f017f030201000503010001" + "0708010472656164000" + "00a0901070020002802000b",
    "hex",
  );
  const { instance } = await WebAssembly.instantiate(module);
  try {
    console.log(`read ${instance.exports.read(1 << 24)}`);
  } catch (error) {
    console.log(error.message);
  }
  console.log(`handlers: ${handlers() === before ? "the same" : `${before} before, ${handlers()} after`}`);
  process.exit();
}

async function load() {
  rdma.load();
  for (const provider of ["tcp", "shm"]) (await openLibOS({ libos: "rdma", provider })).destroy();
}

/** Of the five signals that report a fault, those which are handled. SIGSEGV is V8's from the first WebAssembly on. */
function handlers() {
  const mask = BigInt(`0x${/^SigCgt:\s*(\w+)/m.exec(readFileSync("/proc/self/status", "utf8"))[1]}`);
  return [4n, 6n, 7n, 8n].filter((signal) => (mask >> (signal - 1n)) & 1n).join(" ");
}
