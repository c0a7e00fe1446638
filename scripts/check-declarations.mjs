#!/usr/bin/env node
// The declarations of a package, as an application meets them: installed with what its package.json says it needs and nothing else, in a
// strict project that checks them too (no skipLibCheck), with each way of TypeScript to resolve modules. The folder of the package is the argument.
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import ts from "typescript";

const WAYS = { nodenext: ["NodeNext", "NodeNext"], node16: ["Node16", "Node16"], bundler: ["ESNext", "Bundler"] };

const folder = resolve(process.argv[2] ?? ".");
const project = realpathSync(mkdtempSync(join(tmpdir(), "demikernel-declarations-")));
process.on("exit", () => rmSync(project, { recursive: true, force: true }));

const { name, exports } = install(folder);
const entries = Object.entries(exports)
  .filter(([, target]) => target.types !== undefined)
  .map(([path]) => name + path.slice(1));
const main = join(project, "main.ts");
writeFileSync(join(project, "package.json"), JSON.stringify({ type: "module" }));
writeFileSync(main, entries.map((entry, i) => `export * as entry${i} from "${entry}";\n`).join(""));

/** TypeScript's libraries and @types/node, by what they are parsed as: the same for each way, and most of the text. */
const shared = new Map();

let failed = false;
for (const [way, [module, moduleResolution]] of Object.entries(WAYS)) {
  const options = {
    target: ts.ScriptTarget.ES2022,
    lib: ["lib.es2022.d.ts"],
    module: ts.ModuleKind[module],
    moduleResolution: ts.ModuleResolutionKind[moduleResolution],
    strict: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: false,
    noEmit: true,
    types: [],
  };
  const program = ts.createProgram([main], options, hostOf(options));
  const problems = problemsOf(program);
  failed ||= problems.length > 0;
  const host = { getCanonicalFileName: (path) => path, getCurrentDirectory: () => project, getNewLine: () => "\n" };
  if (problems.length > 0) console.error(`${name}, ${way}:\n${ts.formatDiagnostics(problems, host)}`);
}
process.exitCode = failed ? 1 : 0;

function hostOf(options) {
  const host = ts.createCompilerHost(options);
  const read = host.getSourceFile.bind(host);
  host.getSourceFile = (path, parsed, ...rest) => {
    if (isOurs(path)) return read(path, parsed, ...rest);
    const key = `${path} ${parsed.impliedNodeFormat}`;
    if (!shared.has(key)) shared.set(key, read(path, parsed, ...rest));
    return shared.get(key);
  };
  return host;
}

function isOurs(path) {
  return path === main || /\/@demikernel\//.test(path);
}

/** As ts.getPreEmitDiagnostics, without what is not ours: TypeScript's libraries and @types/node are most of the text, and take most of the time. */
function problemsOf(program) {
  const ours = program.getSourceFiles().filter(({ fileName }) => isOurs(fileName));
  if (ours.length < 2) throw new Error(`${name}: no declarations were found`);
  return [
    ...program.getOptionsDiagnostics(),
    ...program.getGlobalDiagnostics(),
    ...ours.flatMap((file) => [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)]),
  ];
}

/** Puts a package's declarations, and what it depends on, where an install would; its manifest. */
function install(from) {
  const manifest = JSON.parse(readFileSync(join(from, "package.json"), "utf8"));
  const to = place(manifest.name);
  cpSync(join(from, "package.json"), join(to, "package.json"));
  cpSync(join(from, "dist"), join(to, "dist"), { recursive: true, filter: (path) => !/\.(js|map)$/.test(path) });
  const require = createRequire(join(from, "package.json"));
  for (const [dependency, version] of Object.entries({ ...manifest.dependencies, ...manifest.peerDependencies })) {
    const installed = ancestorOf(require.resolve.paths(dependency), dependency);
    if (version.startsWith("workspace:")) install(installed);
    else symlink(installed, dependency);
  }
  return manifest;
}

function ancestorOf(paths, dependency) {
  const found = paths.map((path) => join(path, dependency)).find((path) => ts.sys.directoryExists(path));
  if (found === undefined) throw new Error(`${dependency} is not installed`);
  return realpathSync(found);
}

function symlink(target, dependency) {
  const path = join(project, "node_modules", dependency);
  mkdirSync(dirname(path), { recursive: true });
  rmSync(path, { recursive: true, force: true });
  symlinkSync(target, path);
}

function place(dependency) {
  const path = join(project, "node_modules", dependency);
  mkdirSync(path, { recursive: true });
  return path;
}
