// Builds and runs native tests: `node native-test.mjs [folder]`. The folder, default native/tests, holds a CMakeLists.txt that makes
// doctest programs with demi_add_tests(). They are built below build/native-tests of the current package.
//
// The last line is "native: N passed, N failed, N skipped". Without a compiler, CMake or doctest the tests are skipped with the reason,
// unless CI=true: then that is a failure. DEMI_SEED and DEMI_FUZZ_SECONDS go through to the tests; arguments after the folder too.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { stripVTControlCharacters } from "node:util";

const [folder = "native/tests", ...testArguments] = process.argv.slice(2);
const source = resolve(folder);
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

// What the build needs and this machine lacks.
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

function finish(passed, failed, skipped) {
  console.log(`native: ${passed} passed, ${failed} failed, ${skipped} skipped`);
  process.exit(failed > 0 ? 1 : 0);
}

const lacking = missing();
if (lacking !== undefined) {
  if (process.env.CI === "true") {
    console.log(`native tests cannot run: ${lacking}`);
    finish(0, 1, 0);
  }
  console.log(`skipped: native tests: ${lacking}`);
  finish(0, 0, 1);
}

for (const args of [
  ["-S", source, "-B", build, "-G", "Unix Makefiles"],
  ["--build", build, "-j2"],
]) {
  const step = run("cmake", args);
  if (!step.ok) {
    console.log(step.text);
    console.log("the native tests do not build");
    finish(0, 1, 0);
  }
}

const total = { passed: 0, failed: 0, skipped: 0 };
const programs = existsSync(join(build, "bin")) ? readdirSync(join(build, "bin")).sort() : [];
for (const program of programs) {
  const test = run(join(build, "bin", program), testArguments, {
    timeout: 600_000,
    env: {
      ...process.env,
      ASAN_OPTIONS: process.env.ASAN_OPTIONS ?? "detect_stack_use_after_return=1:strict_string_checks=1",
      UBSAN_OPTIONS: process.env.UBSAN_OPTIONS ?? "print_stacktrace=1",
    },
  });
  process.stdout.write(test.text);
  const counts = /test cases:\s*(\d+) \|\s*(\d+) passed \|\s*(\d+) failed \|\s*(\d+) skipped/.exec(
    stripVTControlCharacters(test.text),
  );
  if (counts) {
    total.passed += Number(counts[2]);
    total.failed += Number(counts[3]);
    // doctest counts what --test-case filters out as skipped; a test the machine cannot run says so on a line of its own.
    total.skipped += (test.text.match(/^skipped: /gm) ?? []).length;
  }
  // A sanitizer ends the program before, or with, doctest's summary.
  if (!test.ok && !(counts && Number(counts[3]) > 0)) {
    console.log(`${basename(program)} ended with ${test.signal ?? `status ${test.status}`}`);
    total.failed += 1;
  }
}
if (programs.length === 0) {
  console.log("no test program was built");
  total.failed += 1;
}
total.passed -= total.skipped;
finish(total.passed, total.failed, total.skipped);
