#!/usr/bin/env node
// Tests that need the guest, in one run of it:
//
//   guest-tests.mjs FOLDER --all SCRIPT,... [--seconds N] -- [SCRIPT...]
//
// FOLDER holds the scripts, and run.sh, which passes its arguments on to lab-vm with what they need. Those named last run in the guest one
// after the other, by default all. --seconds is the limit of the run (1500), unless GUEST_TIMEOUT says another.
//
// A test passes with status 0; it is one test, or as many as it reports (scripts/test/report.mjs, to DEMI_REPORT). The last line here is the
// sum, "guest: N passed, N failed, N skipped". Where lab-vm cannot run all are skipped with the reason, with CI=true failed. What the scripts
// share inside the guest is in guest-kit.sh.
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { count, report, reported } from "../../scripts/test/report.mjs";

const labVm = fileURLToPath(new URL("lab-vm", import.meta.url));
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { all: { type: "string" }, seconds: { type: "string", default: "1500" } },
});
const [folder, ...named] = positionals;
const names = named.length > 0 ? named : values.all.split(",");
const unknown = names.filter((name) => !existsSync(join(folder, name)));
if (unknown.length > 0) {
  console.error(`no test ${unknown.join(", ")}; there are ${values.all.replaceAll(",", ", ")}`);
  process.exit(2);
}

const checked = spawnSync(labVm, ["--check"], { encoding: "utf8" }).stdout;
const missing = [...checked.matchAll(/^missing {2}(.*)$/gm)].map(([, what]) => what).join("; ");
if (missing !== "") {
  const status = process.env.CI === "true" ? "failed" : "skipped";
  for (const name of names) console.log(`${status}: ${name}: ${missing}`);
  finish(names.map((name) => ({ name, status, reason: missing })));
}

const results = mkdtempSync(join(tmpdir(), "guest-tests-"));
process.on("exit", () => rmSync(results, { recursive: true, force: true }));
const inGuest = `
  cd "$0"
  for test; do
    start=$SECONDS
    DEMI_REPORT=/lab/out/$test.report bash "./$test" 2>&1 | tee "/lab/out/$test.log"
    echo "\${PIPESTATUS[0]}" >"/lab/out/$test.status"
    echo "== $test: $((SECONDS - start)) s"
  done`;
const options = [
  "--timeout",
  process.env.GUEST_TIMEOUT ?? values.seconds,
  "--output",
  results,
  "--env",
  `CI=${process.env.CI ?? ""}`,
];
const guest = spawn(join(folder, "run.sh"), [...options, "--", "bash", "-c", inGuest, folder, ...names], {
  stdio: "inherit",
});
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => guest.kill(signal));
const ended = await new Promise((resolve) => {
  guest.once("error", (error) => resolve(error.message));
  guest.once("exit", (code, signal) => resolve(signal ?? `status ${code}`));
});
finish(names.flatMap(testsOf));

/** The tests of a script, by its name. */
function testsOf(script) {
  const read = (kind) =>
    existsSync(join(results, `${script}.${kind}`)) ? readFileSync(join(results, `${script}.${kind}`), "utf8") : "";
  const own = reported(join(results, `${script}.report`)).map((test) => ({
    ...test,
    name: `${script} > ${test.name}`,
  }));
  const status = read("status").trim();
  if (status === "0") return own.length > 0 ? own : [{ name: script, status: "passed" }];
  if (own.some((test) => test.status === "failed")) return own;
  // No status: the guest ended before the test did.
  const how = status === "" ? `nothing, the guest with ${ended}` : `status ${status}`;
  return [
    ...own,
    {
      name: script,
      status: "failed",
      reason: `ended with ${how}\n${read("log").trimEnd().split("\n").slice(-12).join("\n")}`,
    },
  ];
}

function finish(tests) {
  report(tests);
  for (const { name, status, reason } of tests) if (status === "failed") console.log(`FAILED: ${name}\n${reason}`);
  const { passed, failed, skipped } = count(tests);
  console.log(`guest: ${passed} passed, ${failed} failed, ${skipped} skipped`);
  process.exit(failed > 0 ? 1 : 0);
}
