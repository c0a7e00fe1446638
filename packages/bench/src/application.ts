/** The echo application, which backends' benchmarks run without depending on it. */
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { builtPackage } from "./workspace.js";

export interface Application {
  /** Path of one of its built files. */
  file(...parts: string[]): string;
  /** One of its modules, imported. */
  // biome-ignore lint/suspicious/noExplicitAny: the module's types are the application's, on which nothing here depends
  module(...parts: string[]): Promise<any>;
}

/** As `from`, an import.meta.url, sees it. Throws an Error that says what to do when it is not built. */
export function echoApplication(from: string): Application {
  const folder = join(builtPackage("@demikernel/apps-echo", "dist/cli.js", from), "dist");
  const file = (...parts: string[]) => join(folder, ...parts);
  return { file, module: (...parts) => import(pathToFileURL(file(...parts)).href) };
}
