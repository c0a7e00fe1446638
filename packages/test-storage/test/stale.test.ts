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
