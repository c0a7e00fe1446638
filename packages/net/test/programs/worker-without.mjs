// A Worker whose libOS cannot be opened: its owner hears why.
import { Worker } from "node:worker_threads";

const worker = new Worker(new URL("first-line.mjs", import.meta.url), { env: { ...process.env, LIBOS: "nonesuch" } });
worker.on("error", (error) => console.log(error.message));
worker.on("exit", (code) => console.log("exit", code));
