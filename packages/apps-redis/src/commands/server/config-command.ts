/** CONFIG: parameters are told and set while the server runs. */
import { userLines } from "../../acl/file.js";
import { findParameter, parameterNames, wordsOf } from "../../config/config.js";
import { rewriteFile } from "../../config/file.js";
import type { Parameter } from "../../config/parameter.js";
import { globMatchesText } from "../../glob.js";
import { LOADING } from "../../persistence/refusals.js";
import type { Call } from "../../server/call.js";

export function configGet({ args, reply, server }: Call): void {
  const found = new Map<string, Parameter>();
  for (const asked of args.texts(2)) {
    if (/[[*?]/.test(asked)) {
      for (const [name, parameter] of parameterNames())
        if (!parameter.isHidden && globMatchesText(asked, name, true)) found.set(name, parameter);
    } else {
      const parameter = findParameter(asked);
      if (parameter !== undefined && ![...found.keys()].includes(asked.toLowerCase())) found.set(asked, parameter);
    }
  }
  reply.map(found.size);
  for (const [name, parameter] of found) {
    reply.text(name);
    reply.text(server.config.get(parameter));
  }
}

const NOT_WHILE_LOADING = new Set(["appendonly", "dir", "repl-diskless-load"]);

/** All or none: what was set before one that cannot be is set back. */
export function configSet(call: Call): void {
  const { args, reply, server } = call;
  if (args.count % 2 !== 0) return call.syntaxError();
  /** With the name that it was called by, and the value. */
  const wanted = new Map<Parameter, [string, string]>();
  let error = "";
  let mustWait = false;
  let unknown: string | undefined;
  for (let i = 2; i < args.count; i += 2) {
    const name = args.text(i);
    const parameter = findParameter(name);
    if (parameter?.isSensitive) call.redact(i + 1);
    if (error !== "" || unknown !== undefined) continue;
    if (parameter === undefined) unknown = name;
    else if (parameter.isImmutable) error = failure(name, "can't set immutable config");
    else if (parameter.isProtected && !isAllowed(call, server.config.enableProtectedConfigs))
      error = failure(name, "can't set protected config");
    else if (wanted.has(parameter)) error = failure(name, "duplicate parameter");
    else wanted.set(parameter, [name.toLowerCase(), args.text(i + 1)]);
    mustWait ||= server.loading.isOn && parameter !== undefined && NOT_WHILE_LOADING.has(parameter.name);
  }
  if (unknown !== undefined)
    return reply.error(`ERR Unknown option or number of arguments for CONFIG SET - '${unknown}'`);
  if (mustWait) return reply.error(LOADING);
  if (error === "") error = setAll(call, wanted);
  if (error === "") reply.ok();
  else reply.error(error);
}

function setAll({ server: { config } }: Call, wanted: ReadonlyMap<Parameter, [string, string]>): string {
  const before = new Map([...wanted.keys()].map((parameter) => [parameter, config.get(parameter)]));
  const used = new Map([...wanted.keys()].map((parameter) => [parameter, config.used(parameter)]));
  const isSame = (parameter: Parameter): boolean =>
    !parameter.isVolatile &&
    config.get(parameter) === before.get(parameter) &&
    config.used(parameter) === used.get(parameter);
  const restore = (): void => {
    for (const [parameter, value] of before) config.set(parameter, wordsOf(parameter, value));
  };
  for (const [parameter, [name, value]] of wanted) {
    const why = config.set(parameter, wordsOf(parameter, value));
    if (why === undefined) continue;
    restore();
    return failure(name, why);
  }
  for (const [parameter, [name]] of wanted) {
    const why = isSame(parameter) ? undefined : config.apply([parameter]);
    if (why === undefined) continue;
    restore();
    config.apply([...wanted.keys()]);
    return failure(name, why);
  }
  return "";
}

const failure = (name: string, why: string): string =>
  `ERR CONFIG SET failed (possibly related to argument '${name}') - ${why}`;

/** enable-protected-configs: yes, no, or local: for clients of this machine. */
export function isAllowed({ client }: Call, value: string): boolean {
  return value === "yes" || (value === "local" && /^(?:127\.|\[::1\])/.test(client.address));
}

export function configResetStat({ reply, server }: Call): void {
  server.resetStatistics();
  reply.ok();
}

export const configRewrite = (call: Call): void => rewrite(call, false);

/** With every parameter, also those that are as by default. */
export const configRewriteAll = (call: Call): void => rewrite(call, true);

function rewrite({ reply, server }: Call, isAll: boolean): void {
  const { config } = server;
  if (config.file === undefined) return reply.error("ERR The server is running without a config file");
  try {
    // Users of an aclfile are ACL SAVE's.
    rewriteFile(config, config.file, config.aclfile === "" ? userLines(server) : [], isAll);
    reply.ok();
  } catch (error) {
    reply.error(`ERR Rewriting config file: ${(error as Error).message}`);
  }
}
