#!/usr/bin/env node
// Builds the addon of a backend with cmake-js, or with --tests builds and runs its native tests, in a checkout and as it was installed:
//
//   demikernel-build-addon [FOLDER]             FOLDER: the backend's package; default: the working directory
//   demikernel-build-addon --tests [ARGUMENT...]     for doctest
//
// The package's CMakeLists.txt calls demi_backend() of native/cmake/demi.cmake, whose folder it finds in DEMI_CMAKE. A backend names the
// libraries it needs in its package.json, by what pkg-config calls each, with the Debian package and the oldest version that will do:
//
//   "demikernel": { "libos": "x", "libraries": { "libx": { "debian": "libx-dev", "atLeast": "1.2" } } }
//
// Where one is missing this says so and does nothing, so that the repository builds on a machine without them; with DEMI_REQUIRE_X=1 in the
// environment that is a failure, and so it is in the tests with CI=true (scripts/test.sh).
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const CMAKE = fileURLToPath(new URL("../native/cmake", import.meta.url));
const NATIVE_TEST = fileURLToPath(new URL("native-test.mjs", import.meta.url));

const tests = process.argv[2] === "--tests";
const folder = resolve((!tests && process.argv[2]) || ".");
const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
const { libos, storage, libraries = {} } = manifest.demikernel ?? {};
const required = process.env[`DEMI_REQUIRE_${(libos ?? storage)?.toUpperCase()}`] === "1";
const missing = whatIsMissing(libraries);

if (tests) {
  if (missing === undefined) run(NATIVE_TEST, CMAKE, ...process.argv.slice(3));
  console.log(required ? `the native tests do not build: ${missing}` : `skipped: native tests: ${missing}`);
  console.log(required ? "native: 0 passed, 1 failed, 0 skipped" : "native: 0 passed, 0 failed, 1 skipped");
} else {
  const { resolve: resolveModule } = createRequire(join(folder, "package.json"));
  if (missing === undefined) {
    run(resolveModule("cmake-js/bin/cmake-js"), "compile", "--silent", `--CDDEMI_CMAKE=${CMAKE}`);
  }
  console.error(`${manifest.name}: the addon is not built, because ${missing}`);
}
process.exit(required ? 1 : 0);

/** Runs a Node script in the package and ends with its status. */
function run(path, ...args) {
  const { status, error } = spawnSync(process.execPath, [path, ...args], { cwd: folder, stdio: "inherit" });
  if (error) throw error;
  process.exit(status ?? 1);
}

/** What there is not to build against, in a sentence; undefined when all is there. */
function whatIsMissing(needed) {
  const pkgConfig = (...args) => spawnSync("pkg-config", args, { encoding: "utf8" });
  const packages = (names) => names.map((name) => needed[name].debian).join(" ");
  const names = Object.keys(needed);
  if (names.length === 0) return undefined;
  if (pkgConfig("--version").error) return `pkg-config is not installed (apt install pkg-config ${packages(names)})`;
  const absent = names.filter((name) => pkgConfig("--exists", name).status !== 0);
  if (absent.length > 0) {
    return `${absent.join(" and ")} ${absent.length > 1 ? "are" : "is"} not installed (apt install ${packages(absent)})`;
  }
  const old = names.find((name) => pkgConfig(`--atleast-version=${needed[name].atLeast ?? 0}`, name).status !== 0);
  if (old === undefined) return undefined;
  const version = pkgConfig("--modversion", old).stdout.trim();
  return `${old} ${version} is too old: ${needed[old].atLeast} or newer is needed`;
}
