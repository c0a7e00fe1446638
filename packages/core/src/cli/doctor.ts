/** `demikernel doctor`: what this machine has, and what is missing, for core and for each installed backend. */
import { setTimeout as sleep } from "node:timers/promises";
import type { Backend, Check } from "../backend.js";
import { coreDefaults, type FileConfig, loadConfig, resolveOptions } from "../config.js";
import { chosenName, findBackends, loadBackend, loadFound } from "../discovery.js";
import { addonCheck, whyNot } from "../doctor/addon.js";
import { coreChecks } from "./core-checks.js";
import { messageOf, printable, table } from "./report.js";

const PATIENCE_MS = 30_000;
const EMPTY_CONFIG: FileConfig = loadConfig(undefined, {});

export interface DoctorOptions {
  /** Examine this backend only. */
  libos?: string;
  config?: string;
  from?: string;
}

export interface Examination {
  /** "core", or a backend's name. */
  subject: string;
  version?: string;
  package?: string;
  checks: Check[];
}

export interface DoctorReport {
  /** Nothing fails. */
  healthy: boolean;
  examinations: Examination[];
}

/** Examines the machine. Never throws for what it finds: that is a check that fails. */
export async function examine(options: DoctorOptions = {}): Promise<DoctorReport> {
  const { config, checks: configChecks } = readConfig(options.config);
  const core: Examination = { subject: "core", checks: [] };
  const backends = await examineBackends(options, config);
  const limits = backends.find((backend) => backend.core !== undefined)?.core ?? coreDefaults;
  core.checks.push(...(await coreChecks(limits)), ...configChecks);
  if (backends.length === 0) {
    core.checks.push({
      name: "backends",
      status: "warn",
      message: "no backend is installed: only in-memory queues work",
      fix: "npm install @demikernel/libos-posix",
    });
  }
  const examinations = [core, ...backends.map(({ examination }) => examination)];
  const healthy = !examinations.some(({ checks }) => checks.some(({ status }) => status === "fail"));
  return { healthy, examinations };
}

export function render(report: DoctorReport): string {
  const label = { ok: "ok", warn: "warn", fail: "FAIL" } as const;
  const rows = report.examinations.flatMap(({ subject, checks }) =>
    checks.map((check) => [subject, check.name, label[check.status], check.message]),
  );
  const fixes = report.examinations.flatMap(({ subject, checks }) =>
    checks
      .filter((check) => check.status !== "ok" && check.fix)
      .map((check) => `  # ${subject} ${check.name}\n  ${printable(check.fix as string)}`),
  );
  const parts = [table(["part", "check", "status", "message"], rows)];
  if (fixes.length > 0) parts.push(["To fix:", ...fixes].join("\n"));
  return parts.join("\n\n");
}

interface ExaminedBackend {
  examination: Examination;
  /** Core's options under this backend; undefined when they are wrong. */
  core?: typeof coreDefaults;
}

async function examineBackends(options: DoctorOptions, config: FileConfig): Promise<ExaminedBackend[]> {
  const name = options.libos;
  if (name !== undefined) return [await examineBackend(name, undefined, () => loadBackend(name, options.from), config)];
  const found = findBackends(options.from);
  const examined: ExaminedBackend[] = [];
  // One after the other: two doctors must not find each other's devices busy.
  for (const backend of found) {
    examined.push(await examineBackend(backend.name, backend.packageName, () => loadFound(backend), config));
  }
  // What openLibOS() would look for without a word from the application.
  const chosen = chosenName(undefined, config.libos);
  if (chosen !== undefined && !found.some((backend) => backend.name === chosen)) {
    examined.push(await examineBackend(chosen, undefined, () => loadBackend(chosen, options.from), config));
  }
  return examined;
}

async function examineBackend(
  subject: string,
  packageName: string | undefined,
  load: () => Promise<Backend>,
  config: FileConfig,
): Promise<ExaminedBackend> {
  const examination: Examination = { subject, ...(packageName ? { package: packageName } : {}), checks: [] };
  let backend: Backend;
  try {
    backend = await load();
  } catch (error) {
    examination.checks.push({ name: "package", status: "fail", message: messageOf(error) });
    return { examination };
  }
  examination.version = backend.version;
  examination.checks.push({
    name: "package",
    status: "ok",
    message: `${packageName ?? "built in"} ${backend.version}`,
  });
  examination.checks.push(...(await ask(backend)));
  if (!examination.checks.some(({ name }) => name === "addon")) {
    examination.checks.push(addonCheck(whyNot(() => backend.load())));
  }
  try {
    return { examination, core: resolveOptions(backend, config).core };
  } catch (error) {
    examination.checks.push({ name: "options", status: "fail", message: messageOf(error) });
    return { examination };
  }
}

async function ask(backend: Backend): Promise<Check[]> {
  const timeout = new AbortController();
  const late = sleep(PATIENCE_MS, undefined, { signal: timeout.signal }).then(() => {
    throw new Error(`gave no answer in ${PATIENCE_MS / 1000} s`);
  });
  late.catch(() => {});
  try {
    const checks = await Promise.race([Promise.resolve().then(() => backend.doctor()), late]);
    if (!Array.isArray(checks)) throw new TypeError("returned no list of checks");
    return checks.map(wellFormed);
  } catch (error) {
    return [{ name: "doctor", status: "fail", message: `the backend's doctor failed: ${messageOf(error)}` }];
  } finally {
    timeout.abort();
  }
}

function wellFormed(check: Check): Check {
  const valid = check && typeof check.name === "string" && typeof check.message === "string";
  if (!valid || !["ok", "warn", "fail"].includes(check.status))
    throw new TypeError("returned something that is no check");
  return check;
}

function readConfig(path: string | undefined): { config: FileConfig; checks: Check[] } {
  try {
    const config = loadConfig(path);
    return { config, checks: config.path ? [{ name: "configuration", status: "ok", message: config.path }] : [] };
  } catch (error) {
    return { config: EMPTY_CONFIG, checks: [{ name: "configuration", status: "fail", message: messageOf(error) }] };
  }
}
