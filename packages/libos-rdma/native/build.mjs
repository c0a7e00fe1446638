// Builds the addon with cmake-js, or with --tests builds and runs the native tests, where libfabric is installed to build against.
// Elsewhere it says so and does nothing, so that the repository builds on a machine without it; with DEMI_REQUIRE_RDMA=1 that is a
// failure, and so it is in the tests with CI=true (scripts/test.sh).
import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

const packageDir = fileURLToPath(new URL("..", import.meta.url));
const require = createRequire(import.meta.url);
const required = process.env.DEMI_REQUIRE_RDMA === "1";
const testing = process.argv[2] === "--tests";
const nativeTest = "node_modules/@demikernel/core/scripts/native-test.mjs";

/** Why there is nothing to build against; undefined when there is. */
function lacking() {
  const pkgConfig = (...args) => spawnSync("pkg-config", args, { encoding: "utf8" });
  if (pkgConfig("--version").error) return "pkg-config is not installed (apt install pkg-config libfabric-dev)";
  if (pkgConfig("--exists", "libfabric").status !== 0) return "libfabric is not installed (apt install libfabric-dev)";
  if (pkgConfig("--atleast-version=1.17", "libfabric").status === 0) return undefined;
  return `libfabric ${pkgConfig("--modversion", "libfabric").stdout.trim()} is too old: 1.17 or newer is needed`;
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
  console.error(`@demikernel/libos-rdma: the addon is not built, because ${reason}`);
}
process.exit(required ? 1 : 0);
