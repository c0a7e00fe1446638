import { optionTable } from "@demikernel/core/backend";
import { optionsIn } from "../../core/test/documented.js";
import { posix } from "./engines.js";

test("LIMITS.md has the options as their schema states them", () => {
  expect(optionsIn(new URL("../LIMITS.md", import.meta.url))).toBe(optionTable(posix.options));
});
