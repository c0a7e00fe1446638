import { existsSync } from "node:fs";

// Nothing else that CI runs compiles them.
it("the benchmark's native programs compile", async () => {
  const module = new URL("../bench/native-programs.mjs", import.meta.url).href;
  const { buildNativePrograms } = (await import(module)) as { buildNativePrograms(): Record<string, string> };
  const paths = Object.values(buildNativePrograms());
  expect(paths).toHaveLength(3);
  expect(paths.filter((path) => !existsSync(path))).toEqual([]);
}, 120_000);
