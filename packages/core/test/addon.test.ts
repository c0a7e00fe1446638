import { explainAddon } from "../src/addon.js";
import { addonCheck } from "../src/doctor/addon.js";

const packages = { build: "g++ cmake libx-dev", runtime: "libx1", madeFor: "it is made for libx 1" };
const explain = (message: string, of: { build: string } = packages) => explainAddon("demi-x", message, of);

test("a library that is missing becomes the packages to install", () => {
  const message = explain("libx.so.1: cannot open shared object file: No such file or directory");
  expect(message).toBe(
    "the native part of demi-x needs libx.so.1, which is not installed: on Debian 12 run `apt install libx1`",
  );
  expect(addonCheck(message, packages)).toEqual({ name: "addon", status: "fail", message, fix: "apt install libx1" });
  expect(explain("libx.so.1: cannot open shared object file", { build: "g++" })).toMatch(/which is not installed$/);
});

test.each([
  ["No native build was found for platform=linux arch=x64", /is not built for linux-/],
  [
    "/lib/libc.so.6: version `GLIBC_2.38' not found (required by x.node)",
    /needs a newer C library, one with GLIBC_2\.38/,
  ],
  ["x.node: wrong ELF class: ELFCLASS32", /was built for another machine than linux-/],
])("%s: what to install to build it here", (said, sentence) => {
  const message = explain(said);
  expect(message).toMatch(sentence);
  expect(message).toContain("in a checkout run `apt install g++ cmake libx-dev` and `pnpm build`");
  expect(addonCheck(message, packages).fix).toBe("apt install g++ cmake libx-dev && pnpm build   # in a checkout");
});

test("anything else is told as it was said", () => {
  expect(explain("undefined symbol: x")).toBe(
    "the native part of demi-x cannot be loaded: undefined symbol: x; it is made for libx 1 (libx1)",
  );
  expect(explain("undefined symbol: x", { build: "g++" })).toMatch(/cannot be loaded: undefined symbol: x$/);
});

test("an addon that loads, and one of which nothing is known to install", () => {
  expect(addonCheck(undefined)).toEqual({ name: "addon", status: "ok", message: "the native addon loads" });
  expect(addonCheck("broken")).toEqual({ name: "addon", status: "fail", message: "broken" });
});
