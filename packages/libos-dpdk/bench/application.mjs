/** The echo application: its files, and its modules. */
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { builtPackage } from "@demikernel/bench";

const folder = builtPackage("@demikernel/apps-echo", "dist/cli.js", import.meta.url);

export const applicationFile = (...parts) => join(folder, "dist", ...parts);
export const application = (...parts) => import(pathToFileURL(applicationFile(...parts)).href);
