import base from "../../jest.base.mjs";

/** @type {import("jest").Config} Tests start the built programs in dist: build first. */
export default {
  ...base,
  testTimeout: 30_000,
  globalSetup: "<rootDir>/test/packing.mjs",
  globalTeardown: "<rootDir>/test/packing-end.mjs",
  // Each test is a server, a client and this process already: one file at a time keeps the time limits meaningful.
  maxWorkers: 1,
};
