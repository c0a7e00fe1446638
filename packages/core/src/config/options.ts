/** Checks options against the schemas, and says what is wrong in the words of the one who wrote them. */
import type { Backend } from "../backend.js";
import { DemiError } from "../errors.js";
import { arenaProblem, type CoreOptions, coreDefaults, coreProperties, type SizeClass } from "../schema.js";
import { describe } from "./describe.js";
import type { FileConfig } from "./file.js";
import { nearest } from "./nearest.js";
import { checkValues, type Schemas, schemaProblem, type Violation } from "./schema-check.js";

/** What openLibOS() takes beside options; a file has only the first two of them. */
const RESERVED = ["libos", "storage", "config", "from"];
const MOST_PROBLEMS = 8;
const SECTION = /^[a-z][a-z0-9_-]{0,63}$/;

type Values = Readonly<Record<string, unknown>>;

export interface ResolvedOptions {
  core: CoreOptions;
  /** The backend's own, as strings; lists and maps as JSON. */
  backend: Record<string, string>;
  /** The storage engine's, where there is one. */
  storage?: Record<string, string>;
}

/** A set of options from one place, and how to call its keys in messages. */
interface Source {
  values: Values;
  schemas: Schemas;
  /** The full name of a key. */
  name(path: readonly string[]): string;
  /** Where it stands in a file. */
  where(path: readonly string[]): string | undefined;
}

/** What one place, the file or the call, says to core and to each engine. */
interface Split {
  core: Source;
  /** In the order of the engines. */
  engines: Source[];
}

/**
 * The options of one libOS: those given in the call win over those of the file, and defaults fill the rest. Throws DemiError
 * EINVAL that lists what is unknown or wrong, each with its full key and its place in the file.
 */
export function resolveOptions(
  backend: Backend,
  file: FileConfig,
  given: Values = {},
  storage?: Backend,
): ResolvedOptions {
  const problems: string[] = [];
  const engines = storage ? [backend, storage] : [backend];
  const fromFile = splitFile(engines, file, problems);
  const fromCall = splitGiven(engines, given, problems);
  const core = {
    ...coreDefaults,
    ...check(fromFile.core, problems),
    ...check(fromCall.core, problems),
  };
  const own = engines.map(({ options }, i) => ({
    ...defaultsOf(options),
    ...check(fromFile.engines[i], problems),
    ...check(fromCall.engines[i], problems),
  }));
  if (problems.length > 0) {
    const more = problems.length - MOST_PROBLEMS;
    const shown = problems.slice(0, MOST_PROBLEMS).join("; ");
    throw new DemiError("EINVAL", "openLibOS", more > 0 ? `${shown}; and ${more} more` : shown);
  }
  return {
    core: { ...(core as CoreOptions), arena: [...(core.arena as SizeClass[])].sort((a, b) => a.size - b.size) },
    backend: flatten(own[0]),
    ...(storage && { storage: flatten(own[1]) }),
  };
}

/** Why `options` cannot be a backend's schemas; undefined when they can. */
export function declarationProblem(options: Schemas): string | undefined {
  const taken = Object.keys(options).find((key) => RESERVED.includes(key) || Object.hasOwn(coreProperties, key));
  if (taken !== undefined) return `options.${taken} has the name of a core option`;
  const problem = schemaProblem(options);
  return problem && `options are no JSON Schema properties: ${problem}`;
}

function splitFile(engines: readonly Backend[], file: FileConfig, problems: string[]): Split {
  const core: Record<string, unknown> = {};
  const sections = new Map<string, Values>();
  for (const [key, value] of Object.entries(file.values)) {
    const isSection = isMap(value) || value === null;
    if (key === "libos" || key === "storage") continue;
    if (Object.hasOwn(coreProperties, key)) {
      core[key] = value;
    } else if (engines.some(({ name }) => name === key)) {
      if (isMap(value)) sections.set(key, value);
      else if (value !== null) problems.push(notSection(key, value) + at(file.where([key])));
    } else if (!(isSection && SECTION.test(key))) {
      // A section of another backend is for when that is chosen.
      const known = [...Object.keys(coreProperties), "libos", "storage", ...engines.map(({ name }) => name)];
      problems.push(unknown(key, key, known) + at(file.where([key])));
    }
  }
  return {
    core: { values: core, schemas: coreProperties, name: keyName, where: file.where },
    engines: engines.map(({ name, options }) => ({
      values: sections.get(name) ?? {},
      schemas: options,
      name: (path) => keyName([name, ...path]),
      where: (path) => file.where([name, ...path]),
    })),
  };
}

/** Options of the network backend stand flat or under its name, those of the storage engine under its name. */
function splitGiven(engines: readonly Backend[], given: Values, problems: string[]): Split {
  const core: Record<string, unknown> = {};
  const [network] = engines;
  const own = new Map<string, Record<string, unknown>>(engines.map(({ name }) => [name, {}]));
  const section = Object.hasOwn(network.options, network.name) ? undefined : given[network.name];
  for (const [key, value] of Object.entries(given)) {
    if (value === undefined) continue;
    if (Object.hasOwn(coreProperties, key)) {
      core[key] = value;
    } else if (Object.hasOwn(network.options, key)) {
      if (isMap(section) && Object.hasOwn(section, key))
        problems.push(`${key} is given twice, also as ${network.name}.${key}`);
      Object.assign(own.get(network.name) as object, { [key]: value });
    } else if (!own.has(key)) {
      const known = [...Object.keys(coreProperties), ...Object.keys(network.options), ...RESERVED, ...own.keys()];
      problems.push(unknown(key, key, known));
    } else if (isMap(value)) {
      Object.assign(own.get(key) as object, value);
    } else {
      problems.push(notSection(key, value));
    }
  }
  const where = () => undefined;
  return {
    core: { values: core, schemas: coreProperties, name: keyName, where },
    engines: engines.map(({ name, options }) => ({
      values: own.get(name) as Values,
      schemas: options,
      name: (path) => keyName([name, ...path]),
      where,
    })),
  };
}

function isMap(value: unknown): value is Values {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function notSection(key: string, value: unknown): string {
  return `${key} must be a map of options; got ${describe(value)}`;
}

// A null in YAML is a key without a value, and undefined in a call an option that is not given: as if they were not there.
function check(source: Source, problems: string[]): Values {
  const given = Object.fromEntries(
    Object.entries(source.values).filter(([, value]) => value !== null && value !== undefined),
  );
  const { values, violations } = checkValues(source.schemas, given);
  for (const violation of violations) problems.push(explain(violation, source));
  if (violations.length > 0) return {};
  if (source.schemas === coreProperties && values.arena !== undefined) {
    const problem = arenaProblem(values.arena as SizeClass[]);
    if (problem) problems.push(`arena ${problem}${at(source.where(["arena"]))}`);
  }
  return values;
}

function explain({ path, value, wanted, unknown: key }: Violation, source: Source): string {
  if (key === undefined) return `${source.name(path)} ${wanted}; got ${describe(value)}${at(source.where(path))}`;
  const full = [...path, key.name];
  return unknown(source.name(full), key.name, key.known) + at(source.where(full));
}

function unknown(fullName: string, name: string, known: readonly string[]): string {
  const near = nearest(name, known);
  const shown = fullName.length <= 100 ? fullName : `${fullName.slice(0, 100)}...`;
  return `${shown} is no known option${near ? `; did you mean ${near}?` : ""}`;
}

// a, a.b, a[0].b
function keyName(path: readonly string[]): string {
  return path.reduce((name, part) => (/^\d+$/.test(part) ? `${name}[${part}]` : name ? `${name}.${part}` : part), "");
}

function at(place: string | undefined): string {
  return place ? ` (${place})` : "";
}

function defaultsOf(schemas: Schemas): Values {
  return Object.fromEntries(
    Object.entries(schemas)
      .filter(([, schema]) => "default" in schema)
      .map(([key, schema]) => [key, (schema as { default: unknown }).default]),
  );
}

function flatten(values: Values): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values).map(([key, value]) => [
      key,
      typeof value === "object" ? JSON.stringify(value) : String(value),
    ]),
  );
}
