/** Where options come from: the YAML file, the call, the defaults; and which backend they choose. */
export { type FileConfig, loadConfig } from "./config/file.js";
export { type ResolvedOptions, resolveOptions } from "./config/options.js";
export { type CoreOptions, coreDefaults, type SizeClass } from "./schema.js";
