/** @type {import("jest").Config} Tests start the built programs in dist: build first. */
export default {
  testEnvironment: "node",
  testMatch: ["<rootDir>/test/**/*.test.ts"],
  extensionsToTreatAsEsm: [".ts"],
  // Sources import "./x.js", as Node resolves them after compilation.
  moduleNameMapper: { "^(\\.{1,2}/.*)\\.js$": "$1" },
  transform: { "^.+\\.ts$": ["ts-jest", { useESM: true, tsconfig: "<rootDir>/test/tsconfig.json" }] },
  testTimeout: 30_000,
  // Each test is a server, a client and this process already: one file at a time keeps the time limits meaningful.
  maxWorkers: 1,
};
