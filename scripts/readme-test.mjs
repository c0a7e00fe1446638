#!/usr/bin/env node
// Runs the examples of the documentation: every js, ts and sh block of the READMEs and of docs/, in order, in an empty project per file
// that depends on core, the applications and one backend: posix, or the one whose README it is; and on the libraries of others that the
// package whose README it is is tested with. A block must pass the type checker and exit 0. What else it needs stands above it in a directive (markdown-blocks.mjs):
//
//   run: once       the default: runs to its end
//   run: server     is started, probed and stopped with SIGTERM
//     probe: CMD      run by bash once the server listens on 12345; must exit 0
//   run: skip       cannot be run by a test; counted and listed
//     reason: TEXT    why
//   file: NAME      kept under this name for the blocks after it; blocks of other languages are only kept
//   expect: TEXT    must be in what the block, or the server's probe, prints
//   setup: NAME     js, ts: `os` is a libOS of this backend, destroyed after the block
//   cwd: repo       sh: run in the checkout instead of the project
//   needs: A, B     what a machine may not have: root; dpdk, rdma: the addon of that backend. There the block is skipped, with CI=true it fails
//   excerpt: PATH   any language: not run, but its lines must stand in this file (relative to the document) as they are here
//
// 12345 stands for a free port. With paths as arguments only these files are run. The last line is
// "readme: N passed, N failed, N skipped".
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { checkTypes, toJavaScript } from "./block-types.mjs";
import { blocksOf } from "./markdown-blocks.mjs";
import { runOnce, runServer } from "./run-block.mjs";
import { count, report } from "./test/report.mjs";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const packages = readdirSync(join(root, "packages")).filter((name) => name !== "node_modules");

/** What a block may need and a machine may not have. */
const needs = {
  root: () => process.getuid() === 0,
  dpdk: () => existsSync(join(root, "packages/libos-dpdk/prebuilds")),
  rdma: () => existsSync(join(root, "packages/libos-rdma/prebuilds")),
};

function documents() {
  if (process.argv.length > 2) return process.argv.slice(2).map((path) => resolve(path));
  const inDocs = readdirSync(join(root, "docs"), { recursive: true }).filter(
    (path) => path.endsWith(".md") && !path.includes("node_modules"),
  );
  return [
    join(root, "README.md"),
    join(root, "CONTRIBUTING.md"),
    ...packages.map((name) => join(root, "packages", name, "README.md")).filter(existsSync),
    ...inDocs.sort().map((path) => join(root, "docs", path)),
  ];
}

async function freePort() {
  const server = createServer();
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address();
  await new Promise((done) => server.close(done));
  return port;
}

/** The folder below packages/ of the backend that a document's examples run on. */
function backendOf(path) {
  const [, name] = relative(join(root, "packages"), path).match(/^(libos-[^/]+)\//) ?? [];
  return name ?? "libos-posix";
}

/** Folders of what the package of a README is tested with and is not of this repository, by name. */
function librariesOf(path) {
  const [, name] = relative(join(root, "packages"), path).match(/^([^./]+)\/README\.md$/) ?? [];
  if (name === undefined) return [];
  const { devDependencies = {} } = JSON.parse(readFileSync(join(root, "packages", name, "package.json"), "utf8"));
  const others = Object.keys(devDependencies).filter((library) => !library.startsWith("@"));
  return others.map((library) => [library, join(root, "packages", name, "node_modules", library)]);
}

/** An application that has the packages among its dependencies, installed as npm would: code and commands. */
function makeProject(folder, backend, libraries) {
  const dependencies = {};
  const modules = join(folder, "node_modules");
  mkdirSync(join(modules, "@demikernel"), { recursive: true });
  mkdirSync(join(modules, ".bin"));
  for (const name of packages.filter((name) => !name.startsWith("libos-") || name === backend)) {
    const manifest = JSON.parse(readFileSync(join(root, "packages", name, "package.json"), "utf8"));
    symlinkSync(join(root, "packages", name), join(modules, manifest.name));
    dependencies[manifest.name] = manifest.version;
    for (const [command, file] of Object.entries(manifest.bin ?? {})) {
      const script = `#!/bin/sh\nexec node "${join(root, "packages", name, file)}" "$@"\n`;
      writeFileSync(join(modules, ".bin", command), script, { mode: 0o755 });
    }
  }
  for (const [name, path] of libraries) symlinkSync(path, join(modules, name));
  symlinkSync(join(root, "node_modules", "@types"), join(modules, "@types"));
  writeFileSync(
    join(folder, "package.json"),
    JSON.stringify({ name: "app", type: "module", private: true, dependencies }),
  );
}

/** The block as the program that is run. */
function program(block, port) {
  const code = block.code.replaceAll("12345", String(port));
  if (!block.directive.setup) return code;
  const backend = JSON.stringify(block.directive.setup);
  return `import { openLibOS } from "@demikernel/core";\nconst os = await openLibOS({ libos: ${backend} });\n${code}\nos.destroy();\n`;
}

const tests = [];
const work = mkdtempSync(join(tmpdir(), "demikernel-docs-"));
process.on("exit", () => rmSync(work, { recursive: true, force: true }));
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => process.exit(1));

// First everything is written down, so that the type checker runs once over all of it; then it is run.
const plan = [];
for (const [index, path] of documents().entries()) {
  const folder = join(work, String(index));
  mkdirSync(folder);
  makeProject(folder, backendOf(path), librariesOf(path));
  for (const block of blocksOf(readFileSync(path, "utf8"))) {
    const title = `${relative(root, path)}:${block.line}`;
    const typed = block.language === "js" || block.language === "ts";
    const { excerpt, file: kept } = block.directive;
    if (!typed && block.language !== "sh" && !excerpt && !kept) continue;
    const port = await freePort();
    const name = kept ?? `block-${block.line}.${typed ? `m${block.language}` : block.language}`;
    const source = excerpt && join(dirname(path), excerpt);
    const file = join(folder, name);
    const toCheck = typed && !excerpt && block.directive.run !== "skip";
    const toRun = (typed || block.language === "sh") && !excerpt;
    plan.push({ ...block, title, source, port, file, folder, toCheck, toRun, text: program(block, port) });
  }
}
for (const block of plan) writeFileSync(block.file, block.text);
const typeErrors = checkTypes(
  plan.filter((block) => block.toCheck).map((block) => block.file),
  root,
);

for (const block of plan) {
  const { directive, title } = block;
  if (directive.run === "skip") {
    // An example without a reason is one that nobody noticed.
    const { reason } = directive;
    tests.push({
      name: title,
      status: reason ? "skipped" : "failed",
      reason: reason ? `example: ${reason}` : "skipped without a reason",
    });
    console.log(`skipped: ${title}: ${reason ?? "no reason given"}`);
    continue;
  }
  const lacking = (directive.needs ?? "").split(/, */).filter((need) => need !== "" && !needs[need]?.());
  if (lacking.length > 0) {
    const status = process.env.CI === "true" ? "failed" : "skipped";
    const reason = `needs ${lacking.join(" and ")}`;
    tests.push({ name: title, status, reason });
    console.log(`${status}: ${title}: ${reason}`);
    continue;
  }
  writeFileSync(block.file, block.text); // an earlier block may use the same name
  if (!block.toRun && !block.source) continue;
  const start = performance.now();
  const error = block.source ? compare(block) : (typeErrors.get(block.file) ?? (await run(block)));
  const took = `${Math.round(performance.now() - start)} ms`;
  tests.push({ name: title, status: error ? "failed" : "passed", reason: error });
  console.log(error ? `failed: ${title} (${took})\n${error.replaceAll(/^/gm, "    ")}` : `ok: ${title} (${took})`);
}
report(tests);
const { passed, failed, skipped } = count(tests);
console.log(`readme: ${passed} passed, ${failed} failed, ${skipped} skipped`);
process.exitCode = failed > 0 ? 1 : 0;

/** Runs one block; undefined when it did what it should, else what went wrong. */
function run(block) {
  const { directive, folder, port } = block;
  const file = block.language === "ts" ? toJavaScript(block.file) : block.file;
  const command = block.language === "sh" ? ["bash", "-euo", "pipefail", file] : [process.execPath, file];
  const options = { cwd: directive.cwd === "repo" ? root : folder, port, expect: directive.expect };
  if (directive.run !== "server") return runOnce(command, options);
  return runServer(command, directive.probe?.replaceAll("12345", String(port)), options);
}

function compare(block) {
  const stripped = (text) => text.replaceAll(/^[ \t]+/gm, "").trim();
  if (stripped(readFileSync(block.source, "utf8")).includes(stripped(block.code))) return undefined;
  return `these lines are not in ${relative(root, block.source)} any more`;
}
