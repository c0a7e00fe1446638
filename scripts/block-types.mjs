// Type checks examples as an application's code would be, so that documentation cannot name what the packages do not have.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";

const OPTIONS = {
  target: ts.ScriptTarget.ES2023,
  lib: ["lib.es2023.d.ts", "lib.esnext.disposable.d.ts"],
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  moduleDetection: ts.ModuleDetectionKind.Force,
  strict: true,
  noImplicitAny: false, // JavaScript examples name no types
  useUnknownInCatchVariables: false,
  allowJs: true,
  checkJs: true,
  noEmit: true,
  skipLibCheck: true,
};

/** What is wrong, by file; files without an entry are right. */
export function checkTypes(files, root) {
  const program = ts.createProgram(files, {
    ...OPTIONS,
    typeRoots: [join(root, "node_modules", "@types")],
    types: ["node"],
  });
  const errors = new Map();
  for (const file of files) {
    const source = program.getSourceFile(file);
    const found = [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)];
    if (found.length === 0) continue;
    const text = found.map((diagnostic) => {
      const line = source.getLineAndCharacterOfPosition(diagnostic.start ?? 0).line + 1;
      return `type error in line ${line}: ${ts.flattenDiagnosticMessageText(diagnostic.messageText, "\n")}`;
    });
    errors.set(file, text.join("\n"));
  }
  return errors;
}

/** Writes the JavaScript of a TypeScript file beside it; returns its path. */
export function toJavaScript(file) {
  const { outputText } = ts.transpileModule(readFileSync(file, "utf8"), { compilerOptions: OPTIONS, fileName: file });
  const path = file.replace(/\.m?ts$/, ".run.mjs");
  writeFileSync(path, outputText);
  return path;
}
