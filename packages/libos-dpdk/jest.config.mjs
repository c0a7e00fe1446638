import base from "../../jest.base.mjs";

/** @type {import("jest").Config} Started by test/run.mjs, in a network namespace that all files share. */
export default {
  ...base,
  testTimeout: 30_000,
  // EAL starts once in a process, and test files start it with different arguments: one file after the other, and a limit on a
  // worker's memory that every file exceeds, so that each has a separate process.
  maxWorkers: 1,
  workerIdleMemoryLimit: "1MB",
};
