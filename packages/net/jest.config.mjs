import base from "../../jest.base.mjs";

/** @type {import("jest").Config} Tests load what is built in dist: build first. */
export default {
  ...base,
  testTimeout: 30_000,
  globalSetup: "<rootDir>/../apps-echo/test/packing.mjs",
  globalTeardown: "<rootDir>/../apps-echo/test/packing-end.mjs",
};
