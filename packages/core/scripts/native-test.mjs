// Builds and runs the native tests of the package in the working directory, for build-addon.mjs: `node native-test.mjs CMAKE [ARGUMENT...]`.
// CMAKE is the folder of demi.cmake; arguments go to doctest. The tests are built below build/native-tests, with a compiler cache where
// CMAKE_CXX_COMPILER_LAUNCHER names one (ccache); the test cases of a program run a few at a time, in several processes side by side.
//
// The last line is "native: N passed, N failed, N skipped". Without a compiler, CMake or doctest the tests are skipped with the reason,
// unless CI=true: then that is a failure. DEMI_SEED and DEMI_FUZZ_SECONDS go through to the tests.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { count, report } from "../../../scripts/test/report.mjs";

/** Test cases of one process: a sanitizer that ends it takes no more of them along. One more process than processors: some wait. */
const CASES = 12;
const PROCESSES = 3;
/** Milliseconds of one process. */
const LIMIT = 600_000;

const [cmake, ...testArguments] = process.argv.slice(2);
const source = resolve(".");
const build = resolve("build/native-tests");

function run(command, args, options = {}) {
  const done = spawnSync(command, args, { encoding: "utf8", maxBuffer: 1 << 26, ...options });
  return {
    ok: done.status === 0,
    status: done.status,
    signal: done.signal,
    text: `${done.stdout ?? ""}${done.stderr ?? ""}`,
  };
}

// What the build needs and is not there.
function missing() {
  for (const tool of ["g++", "cmake", "make"]) {
    if (!run(tool, ["--version"]).ok) return `${tool} is not installed`;
  }
  const probe = mkdtempSync(join(tmpdir(), "demi-native-"));
  try {
    const file = join(probe, "probe.cc");
    const compile = (code, ...flags) => {
      writeFileSync(file, code);
      return run("g++", ["-std=c++20", file, "-o", join(probe, "probe"), ...flags]).ok;
    };
    if (!compile("#include <doctest/doctest.h>\nint main() {}\n", "-fsyntax-only"))
      return "doctest is not installed (doctest-dev)";
    if (!compile("int main() {}\n", "-fsanitize=address,undefined"))
      return "g++ cannot link AddressSanitizer (libasan, libubsan)";
  } finally {
    rmSync(probe, { recursive: true });
  }
  return undefined;
}

function finish(tests) {
  report(tests);
  const { passed, failed, skipped } = count(tests);
  console.log(`native: ${passed} passed, ${failed} failed, ${skipped} skipped`);
  process.exit(failed > 0 ? 1 : 0);
}

const reason = missing();
if (reason !== undefined) {
  const fails = process.env.CI === "true";
  console.log(`${fails ? "native tests cannot run" : "skipped: native tests"}: ${reason}`);
  finish([{ name: "native tests", status: fails ? "failed" : "skipped", reason }]);
}

// CMake refuses a folder that was made from another source, as after a checkout has moved.
const cache = join(build, "CMakeCache.txt");
if (existsSync(cache) && !readFileSync(cache, "utf8").includes(`CMAKE_HOME_DIRECTORY:INTERNAL=${source}\n`)) {
  rmSync(build, { recursive: true });
}
for (const args of [
  ["-S", source, "-B", build, "-G", "Unix Makefiles", "-DDEMI_TESTS=ON", `-DDEMI_CMAKE=${cmake}`],
  ["--build", build, "-j2"],
]) {
  const step = run("cmake", args);
  if (!step.ok) {
    console.log(step.text);
    console.log("the native tests do not build");
    finish([
      {
        name: "build",
        status: "failed",
        reason: step.text
          .split("\n")
          .filter((line) => /error/i.test(line))
          .join("\n"),
      },
    ]);
  }
}

const tests = [];
const programs = existsSync(join(build, "bin")) ? readdirSync(join(build, "bin")).sort() : [];
if (programs.length === 0) tests.push({ name: "build", status: "failed", reason: "no test program was built" });
const parts = programs.flatMap((program) => partsOf(join(build, "bin", program)));
await Promise.all(
  Array.from({ length: PROCESSES }, async () => {
    for (let part = parts.shift(); part !== undefined; part = parts.shift()) tests.push(...(await runPart(part)));
  }),
);
finish(tests);

/** A program's test cases, `CASES` at a time, by their numbers. */
function partsOf(program) {
  const said = run(program, ["--count", "--no-colors", ...testArguments]);
  const cases = Number(/unskipped test cases passing the current filters: (\d+)/.exec(said.text)?.[1] ?? 0);
  if (cases === 0) tests.push({ name: basename(program), status: "failed", reason: `no test cases: ${said.text}` });
  return Array.from({ length: Math.ceil(cases / CASES) }, (_, n) => ({
    program,
    first: n * CASES + 1,
    last: Math.min((n + 1) * CASES, cases),
  }));
}

/** Runs a part to its end and prints what it printed; what became of its tests. */
async function runPart({ program, first, last }) {
  const results = join(build, `${basename(program)}-${first}.results`);
  rmSync(results, { force: true });
  const child = spawn(program, [`--first=${first}`, `--last=${last}`, ...testArguments], {
    stdio: ["ignore", "pipe", "pipe"],
    timeout: LIMIT,
    env: {
      ...process.env,
      DEMI_NATIVE_RESULTS: results,
      ASAN_OPTIONS: process.env.ASAN_OPTIONS ?? "detect_stack_use_after_return=1:strict_string_checks=1",
      UBSAN_OPTIONS: process.env.UBSAN_OPTIONS ?? "print_stacktrace=1",
    },
  });
  let text = "";
  for (const stream of [child.stdout, child.stderr]) stream.on("data", (data) => (text += data));
  const ended = await new Promise((done) => {
    child.once("error", (error) => done(error.message));
    child.once("close", (code, signal) => done(code === 0 ? undefined : (signal ?? `status ${code}`)));
  });
  process.stdout.write(text);
  const cases = resultsIn(results);
  // A sanitizer ends the program before, or with, doctest's summary.
  if (ended !== undefined && !cases.some(({ status }) => status === "failed")) {
    cases.push({ name: basename(program), status: "failed", reason: `ended with ${ended}\n${text.slice(-2000)}` });
  }
  return cases;
}

/** What native/tests/main.cc wrote: for each case "started", then how it ended; a test may skip a part of itself, on a separate line. */
function resultsIn(file) {
  const cases = [];
  const skipped = [];
  const lines = existsSync(file) ? readFileSync(file, "utf8").split("\n").filter(Boolean) : [];
  for (const line of lines) {
    const [status, name, reason] = line.split("\t");
    if (status === "skipped") skipped.push({ name, status, reason });
    else if (status === "started") cases.push({ name, status: "failed", reason: "the process ended in it" });
    else cases[cases.length - 1] = status === "passed" ? { name, status } : { name, status, reason };
  }
  return [...cases, ...skipped];
}
