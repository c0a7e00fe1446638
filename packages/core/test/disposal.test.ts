import { type LibOS, openLibOS } from "@demikernel/core";

test("using and await using: the libOS ends with its scope", async () => {
  const seen: LibOS[] = [];
  {
    using os = await openLibOS({ libos: "memory" });
    seen.push(os);
  }
  {
    await using os = await openLibOS({ libos: "memory" });
    seen.push(os);
  }
  expect(seen.map((os) => os.closed)).toEqual([true, true]);
});

test("Symbol.asyncDispose destroys, and again does nothing", async () => {
  const os = await openLibOS({ libos: "memory" });
  const promised = os.async.pop(os.queue());
  await Promise.all([os[Symbol.asyncDispose](), expect(promised).rejects.toMatchObject({ code: "ECANCELED" })]);
  await os[Symbol.asyncDispose]();
  expect(() => os.queue()).toThrow(/EBADF/);
});
