// Builds the addon with cmake-js, or with --tests builds and runs the native tests, where DPDK and lwIP are installed to build against.
// Elsewhere it says so and does nothing, so that the repository builds on a machine without DPDK; with DEMI_REQUIRE_DPDK=1 that is a
// failure, and so it is in the tests with CI=true (scripts/test.sh).
import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

const packageDir = fileURLToPath(new URL("..", import.meta.url));
const require = createRequire(import.meta.url);
const required = process.env.DEMI_REQUIRE_DPDK === "1";
const testing = process.argv[2] === "--tests";
const nativeTest = "node_modules/@demikernel/core/scripts/native-test.mjs";

/** What pkg-config calls each library, and the Debian package that brings it. */
const libraries = { libdpdk: "libdpdk-dev", lwip: "liblwip-dev" };

function lacking() {
  const pkgConfig = (...args) => spawnSync("pkg-config", args, { stdio: "ignore" });
  if (pkgConfig("--version").error)
    return "pkg-config is not installed (apt install pkg-config libdpdk-dev liblwip-dev)";
  const missing = Object.keys(libraries).filter((name) => pkgConfig("--exists", name).status !== 0);
  if (missing.length === 0) return undefined;
  const packages = missing.map((name) => libraries[name]).join(" ");
  return `${missing.join(" and ")} ${missing.length > 1 ? "are" : "is"} not installed (apt install ${packages})`;
}

/** Runs a script of Node's in the package and ends with its status. */
function run(script, ...args) {
  const { status, error } = spawnSync(process.execPath, [script, ...args], { cwd: packageDir, stdio: "inherit" });
  if (error) throw error;
  process.exit(status ?? 1);
}

const reason = lacking();
if (testing) {
  if (reason === undefined) run(nativeTest, "native/tests", ...process.argv.slice(3));
  console.log(required ? `the native tests do not build: ${reason}` : `skipped: native tests: ${reason}`);
  console.log(required ? "native: 0 passed, 1 failed, 0 skipped" : "native: 0 passed, 0 failed, 1 skipped");
} else {
  if (reason === undefined) run(require.resolve("cmake-js/bin/cmake-js"), "compile", "--silent");
  console.error(`@demikernel/libos-dpdk: the addon is not built, because ${reason}`);
}
process.exit(required ? 1 : 0);
