/** `demikernel info`: the backends found, what runs underneath them and what they can do. */
import type { Backend, Features } from "../backend.js";
import { type FileConfig, loadConfig, resolveOptions } from "../config.js";
import { BUILT_IN, type FoundBackend, findBackends, loadBuiltIn, loadFound } from "../discovery.js";
import { json, messageOf, table } from "./report.js";

export interface InfoOptions {
  config?: string;
  from?: string;
}

export interface BackendInfo {
  name: string;
  package: string;
  version: string;
  dir?: string;
  /** What runs underneath here and now; undefined when the backend cannot be opened. */
  engine?: string;
  features?: Features;
  limits?: Record<string, string | number>;
  /** Why the backend cannot be loaded or opened. */
  error?: string;
}

export interface Info {
  core: string;
  node: string;
  platform: string;
  config?: string;
  backends: BackendInfo[];
}

/** Throws DemiError when the configuration file cannot be read; what is wrong with a backend stands in its entry. */
export async function collect(options: InfoOptions = {}): Promise<Info> {
  const config = loadConfig(options.config);
  const builtIn = await loadBuiltIn();
  const backends: BackendInfo[] = [];
  for (const found of findBackends(options.from)) backends.push(await inform(found, config));
  backends.push(open(builtIn, { name: BUILT_IN, package: "@demikernel/core", version: builtIn.version }, config));
  return {
    core: builtIn.version,
    node: process.versions.node,
    platform: `${process.platform}-${process.arch}`,
    ...(config.path ? { config: config.path } : {}),
    backends,
  };
}

export function render(info: Info, asJson: boolean): string {
  if (asJson) return json(info);
  const rows = info.backends.map((backend) => [
    backend.name,
    `${backend.package} ${backend.version}`,
    backend.engine ?? "-",
    backend.features ? list(backend.features) : "-",
  ]);
  const lines = [
    `@demikernel/core ${info.core}, Node.js ${info.node}, ${info.platform}${info.config ? `, ${info.config}` : ""}`,
    table(["libos", "package", "engine", "features"], rows),
  ];
  const limits = info.backends.flatMap(({ name, limits = {} }) =>
    Object.entries(limits).map(([limit, value]) => [name, limit, String(value)]),
  );
  if (limits.length > 0) lines.push(table(["libos", "limit", "value"], limits));
  const errors = info.backends.flatMap(({ name, error }) => (error ? [[name, error]] : []));
  if (errors.length > 0) lines.push(table(["libos", "error"], errors));
  return lines.join("\n\n");
}

async function inform(found: FoundBackend, config: FileConfig): Promise<BackendInfo> {
  const base = { name: found.name, package: found.packageName, version: found.version, dir: found.dir };
  try {
    return open(await loadFound(found), base, config);
  } catch (error) {
    return { ...base, error: messageOf(error) };
  }
}

// The engine is known only to an open libOS: one as small as can be is opened for a moment.
function open(backend: Backend, base: BackendInfo, config: FileConfig): BackendInfo {
  const info: BackendInfo = { ...base, features: backend.features, limits: backend.limits() };
  try {
    const options = resolveOptions(backend, config);
    const limits = { ringEntries: 64, tokens: 64, queues: 16, classes: [{ size: 4096, count: 64 }] };
    const native = backend.load().open(limits, { name: backend.name, options: options.backend });
    info.engine = native.engines[0];
    native.destroy();
  } catch (error) {
    info.error = messageOf(error);
  }
  return info;
}

function list(features: Features): string {
  const names = Object.entries(features)
    .filter(([, has]) => has)
    .map(([name]) => name);
  return names.join(" ") || "queues only";
}
