/** What every package's tests share. @type {import("jest").Config} */
export default {
  testEnvironment: "node",
  // What the tests come to, for scripts/test.sh.
  reporters: ["default", "<rootDir>/../../scripts/test/jest-reporter.mjs"],
  testMatch: ["<rootDir>/test/**/*.test.ts"],
  extensionsToTreatAsEsm: [".ts"],
  // Sources import "./x.js", as Node resolves them after compilation.
  moduleNameMapper: { "^(\\.{1,2}/.*)\\.js$": "$1" },
  transform: { "^.+\\.ts$": ["ts-jest", { useESM: true, tsconfig: "<rootDir>/test/tsconfig.json" }] },
  testTimeout: 20_000,
};
