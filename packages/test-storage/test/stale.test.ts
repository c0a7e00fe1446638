import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openLibOS } from "@demikernel/core";

const beside = (storage: string, folder = "..") =>
  openLibOS({ libos: "memory", storage, from: new URL(folder, import.meta.url).href });

test("an engine compiled against other headers of core is refused, and both addons are named", async () => {
  const refused = beside("stale", "../stale/");
  await expect(refused).rejects.toMatchObject({ code: "EPROTO", syscall: "open" });
  await expect(refused).rejects.toThrow(
    /memory with stale: demi_memory \(build [0-9a-f]{16}\) and demi_stale \(build 0123456789abcdef\) were compiled against different/,
  );
});

test("the same sources, compiled against the headers of core that are there, are taken", async () => {
  const os = await beside("scratch", "../");
  expect(os.engines).toEqual([
    { name: "memory", engine: "memory" },
    { name: "scratch", engine: "thread" },
  ]);
  os.destroy();
});

test("an engine for storage is no libOS by itself", async () => {
  const alone = openLibOS({ libos: "scratch", from: new URL("../", import.meta.url).href });
  await expect(alone).rejects.toMatchObject({ code: "ENOENT" });
});

describe("the storage engine of a configuration file", () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "demi-storage-"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));
  const from = new URL("../", import.meta.url).href;
  const file = (text: string) => {
    const path = join(folder, "demi.yaml");
    writeFileSync(path, text);
    return path;
  };

  test("is taken, unless the call wants none or is about that engine itself", async () => {
    const config = file(`storage: scratch\nscratch: {folder: ${folder}}\n`);
    const names = async (options: object) => {
      const os = await openLibOS({ config, from, ...options });
      os.destroy();
      return os.engines.map(({ name }) => name);
    };
    expect(await names({ libos: "memory" })).toEqual(["memory", "scratch"]);
    expect(await names({ libos: "memory", storage: null })).toEqual(["memory"]);
    expect(await names({ libos: "memory", config: file("storage: memory\n") })).toEqual(["memory"]);
  });

  test("must be a name", async () => {
    const config = file("storage: [scratch]\n");
    await expect(openLibOS({ libos: "memory", config, from })).rejects.toThrow(/storage must be the name of a backend/);
  });
});
