// Builds the addon of a backend with cmake-js, or with --tests builds and runs its native tests, where the libraries it needs are installed.
// Elsewhere it says so and does nothing, so that the repository builds on a machine without them; where `required` is set to 1 in the
// environment that is a failure, and so it is in the tests with CI=true (scripts/test.sh).
//
// A backend's native/build.mjs calls it with its own import.meta.url, in a checkout and as it was installed. The backend's CMakeLists.txt
// finds core's files in DEMI_CMAKE.
import { spawnSync } from "node:child_process";
import { createRequire } from "node:module";
import { fileURLToPath } from "node:url";

const cmakeDir = fileURLToPath(new URL("../native/cmake", import.meta.url));
const nativeTest = fileURLToPath(new URL("native-test.mjs", import.meta.url));

/**
 * @param {string} script URL of the backend's native/build.mjs.
 * @param {object} needs
 * @param {string} needs.required Name of the variable.
 * @param {Record<string, { debian: string, atLeast?: string }>} needs.libraries By what pkg-config calls each: the Debian package that
 * brings it, and the oldest version that will do.
 */
export function buildAddon(script, { required: variable, libraries }) {
  const packageDir = fileURLToPath(new URL("..", script));
  const require = createRequire(script);
  const required = process.env[variable] === "1";
  const reason = lacking(libraries);

  /** Runs a script of Node's in the package and ends with its status. */
  const run = (path, ...args) => {
    const { status, error } = spawnSync(process.execPath, [path, ...args], { cwd: packageDir, stdio: "inherit" });
    if (error) throw error;
    process.exit(status ?? 1);
  };
  if (process.argv[2] === "--tests") {
    if (reason === undefined) run(nativeTest, "native/tests", ...process.argv.slice(3));
    console.log(required ? `the native tests do not build: ${reason}` : `skipped: native tests: ${reason}`);
    console.log(required ? "native: 0 passed, 1 failed, 0 skipped" : "native: 0 passed, 0 failed, 1 skipped");
  } else {
    const cmake = ["compile", "--silent", `--CDDEMI_CMAKE=${cmakeDir}`];
    if (reason === undefined) run(require.resolve("cmake-js/bin/cmake-js"), ...cmake);
    console.error(`${require("../package.json").name}: the addon is not built, because ${reason}`);
  }
  process.exit(required ? 1 : 0);
}

/** Why there is nothing to build against; undefined when there is. */
function lacking(libraries) {
  const pkgConfig = (...args) => spawnSync("pkg-config", args, { encoding: "utf8" });
  const packages = (names) => names.map((name) => libraries[name].debian).join(" ");
  const names = Object.keys(libraries);
  if (pkgConfig("--version").error) return `pkg-config is not installed (apt install pkg-config ${packages(names)})`;
  const missing = names.filter((name) => pkgConfig("--exists", name).status !== 0);
  if (missing.length > 0) {
    return `${missing.join(" and ")} ${missing.length > 1 ? "are" : "is"} not installed (apt install ${packages(missing)})`;
  }
  const old = names.find((name) => pkgConfig(`--atleast-version=${libraries[name].atLeast ?? 0}`, name).status !== 0);
  if (old === undefined) return undefined;
  const version = pkgConfig("--modversion", old).stdout.trim();
  return `${old} ${version} is too old: ${libraries[old].atLeast} or newer is needed`;
}
