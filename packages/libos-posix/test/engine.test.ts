import { engines, missingEngine, open, posix } from "./engines.js";

test("io_uring works where the tests must cover it", () => {
  if (process.env.CI === "true") expect(missingEngine).toBeUndefined();
  expect(engines).toContain("epoll");
});

test.each(engines)("engine: %s is what runs when asked for", async (engine) => {
  const os = await open(engine);
  expect(os.engine).toBe(engine);
  os.destroy();
});

test("engine: auto takes io_uring where it works", async () => {
  const os = await open("auto");
  expect(os.engine).toBe(engines.at(-1));
  os.destroy();
});

test("engine: anything else is refused by name", async () => {
  await expect(open("kqueue" as "epoll")).rejects.toMatchObject({
    code: "EINVAL",
    message: expect.stringContaining("engine"),
  });
  // The addon also checks by itself.
  const limits = { ringEntries: 64, tokens: 64, queues: 16, classes: [{ size: 4096, count: 16 }] };
  expect(() => posix.load().open(limits, { name: "posix", options: { engine: "kqueue" } })).toThrow(
    /engine must be one of auto, io_uring, epoll; got "kqueue"/,
  );
});
