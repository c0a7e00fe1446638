/** What is configured: every parameter's value by its name, and those that the server uses as fields. */
import type { Parameter, ParameterValue } from "./parameter.js";
import { PARAMETERS } from "./parameters.js";
import { outputLimits } from "./special.js";

/** Why a new value cannot be; undefined: it is in use now. */
export type Apply = () => string | undefined;

/**
 * The fields are parameters that do something here, by their names in camelCase: numbers in the parameter's unit, sizes in bytes. All other
 * parameters can be set and told, and nothing comes of it: LIMITS.md.
 */
export class Config {
  // Where it listens, and for whom (server/).
  port = 6379;
  bind = "127.0.0.1 -::1";
  tcpBacklog = 511;
  tcpKeepalive = 300;
  maxclients = 10000;
  timeout = 0;
  hz = 10;
  protoMaxBulkLen = 512 * 1024 * 1024;
  clientQueryBufferLimit = 1024 * 1024 * 1024;
  /** Told as Redis tells it; {@link outputLimits} has it read. */
  clientOutputBufferLimit = "";
  maxmemoryClients = 0;
  trackingTableMaxKeys = 1000000;
  requirepass = "";
  aclfile = "";
  acllogMaxLen = 128;
  aclPubsubDefault = "resetchannels";
  enableDebugCommand = "no";
  enableModuleCommand = "no";
  enableProtectedConfigs = "no";
  // Dataset (keyspace/, commands/).
  databases = 16;
  maxmemory = 0;
  maxmemoryPolicy = "noeviction";
  maxmemorySamples = 5;
  maxmemoryEvictionTenacity = 10;
  lfuLogFactor = 10;
  lfuDecayTime = 1;
  activeExpireEffort = 1;
  lazyfreeLazyEviction = false;
  lazyfreeLazyExpire = false;
  lazyfreeLazyServerDel = false;
  lazyfreeLazyUserDel = false;
  lazyfreeLazyUserFlush = false;
  notifyKeyspaceEvents = "";
  hashMaxListpackEntries = 512;
  hashMaxListpackValue = 64;
  listMaxListpackSize = -2;
  listCompressDepth = 0;
  setMaxIntsetEntries = 512;
  zsetMaxListpackEntries = 128;
  zsetMaxListpackValue = 64;
  streamNodeMaxBytes = 4096;
  streamNodeMaxEntries = 100;
  hllSparseMaxBytes = 3000;
  sanitizeDumpPayload = "no";
  // TLS (tls/).
  tlsPort = 0;
  tlsAuthClients = "yes";
  tlsCertFile = "";
  tlsKeyFile = "";
  tlsKeyFilePass = "";
  tlsCaCertFile = "";
  tlsCaCertDir = "";
  tlsDhParamsFile = "";
  tlsProtocols = "";
  tlsCiphers = "";
  tlsCiphersuites = "";
  tlsPreferServerCiphers = false;
  tlsSessionCaching = true;
  tlsSessionCacheTimeout = 300;
  // Files (rdb/, persistence/).
  /** Seconds and changes, in pairs. */
  save = "";
  stopWritesOnBgsaveError = true;
  rdbSaveIncrementalFsync = true;
  /** Microseconds that each key takes, so that tests see what happens meanwhile. */
  rdbKeySaveDelay = 0;
  keyLoadDelay = 0;
  loadingProcessEventsIntervalBytes = 2097152;
  shutdownOnSigint = "default";
  shutdownOnSigterm = "default";
  /** Seconds for which replicas are waited for. */
  shutdownTimeout = 10;
  dbfilename = "dump.rdb";
  rdbcompression = true;
  rdbchecksum = true;
  appendonly = false;
  appendfsync = "everysec";
  appendfilename = "appendonly.aof";
  appenddirname = "appendonlydir";
  aofLoadTruncated = true;
  aofTimestampEnabled = false;
  autoAofRewritePercentage = 100;
  autoAofRewriteMinSize = 67108864;
  // Replication (replication/).
  replicaof = "";
  masteruser = "";
  masterauth = "";
  replDisklessSync = true;
  replDisklessSyncDelay = 5;
  replDisklessSyncMaxReplicas = 0;
  replBacklogSize = 1024 * 1024;
  replBacklogTtl = 3600;
  replTimeout = 60;
  replPingReplicaPeriod = 10;
  replicaAnnounceIp = "";
  replicaAnnouncePort = 0;
  replicaAnnounced = true;
  replicaPriority = 100;
  replicaReadOnly = true;
  replicaServeStaleData = true;
  replicaIgnoreMaxmemory = true;
  minReplicasToWrite = 0;
  minReplicasMaxLag = 10;
  // Scripts (scripting/).
  busyReplyThreshold = 5000;
  loglevel = "notice";
  // What is measured (server/).
  slowlogLogSlowerThan = 10000;
  slowlogMaxLen = 128;
  latencyMonitorThreshold = 0;
  latencyTracking = true;
  latencyTrackingInfoPercentiles = "";

  outputLimits = outputLimits(byName("client-output-buffer-limit").default);
  /** The file that was loaded, which CONFIG REWRITE writes. */
  file: string | undefined;
  private readonly told = new Map<Parameter, string>();
  private readonly applied = new Map<string, Apply[]>();

  constructor() {
    for (const parameter of PARAMETERS) {
      this.told.set(parameter, parameter.default);
      const { name } = parameter;
      if (name === "dir" || parameter.default === "") continue;
      const parsed = parameter.parse(parameter.isMulti ? parameter.default.split(" ") : [parameter.default]);
      if (typeof parsed === "string") throw new Error(`default of ${name}: ${parsed}`);
      this.put(parameter, parsed.text, parsed.value);
    }
  }

  /** Whether something comes of setting it. */
  static hasEffect(parameter: Parameter): boolean {
    return parameter.name === "dir" || camelCase(parameter.name) in DEFAULTS;
  }

  /** Those that are not as by default, though nothing comes of it. */
  changedInVain(): string[] {
    const changed = (parameter: Parameter): boolean => this.told.get(parameter) !== parameter.default;
    return PARAMETERS.filter((parameter) => changed(parameter) && !Config.hasEffect(parameter)).map(({ name }) => name);
  }

  get(parameter: Parameter): string {
    return parameter.name === "dir" ? process.cwd() : (this.told.get(parameter) as string);
  }

  /** What the server uses, where something comes of it: what get() tells is not always all of it. */
  used(parameter: Parameter): ParameterValue | undefined {
    return (this as unknown as Record<string, ParameterValue>)[camelCase(parameter.name)];
  }

  /** Sets one, without applying it; why it cannot be, or undefined. */
  set(parameter: Parameter, words: readonly string[]): string | undefined {
    const parsed = parameter.parse(words);
    if (typeof parsed === "string") return parsed;
    this.put(parameter, parsed.text, parsed.value);
    return undefined;
  }

  /** As {@link set}, and applied. */
  change(name: string, value: string): string | undefined {
    const parameter = byName(name);
    return this.set(parameter, wordsOf(parameter, value)) ?? this.apply([parameter]);
  }

  /** `apply` is called when a parameter has been set. */
  onChange(name: string, apply: Apply): void {
    const all = this.applied.get(name);
    if (all === undefined) this.applied.set(name, [apply]);
    else all.push(apply);
  }

  /** Tells who uses these; the first who cannot says why. */
  apply(parameters: readonly Parameter[]): string | undefined {
    for (const { name } of parameters) {
      for (const apply of this.applied.get(name) ?? []) {
        const why = apply();
        if (why !== undefined) return why;
      }
    }
    return undefined;
  }

  private put(parameter: Parameter, text: string, value: ParameterValue): void {
    let told = text;
    if (parameter.name === "client-output-buffer-limit") {
      Object.assign(this.outputLimits, text === "" ? {} : outputLimits(text));
      told = Object.entries(this.outputLimits)
        .map(([name, { hard, soft, softSeconds }]) => `${name} ${hard} ${soft} ${softSeconds}`)
        .join(" ");
    }
    this.told.set(parameter, told);
    const field = camelCase(parameter.name);
    if (field in this) (this as unknown as Record<string, ParameterValue>)[field] = value;
  }
}

const NAMES = new Map<string, Parameter>();
for (const parameter of PARAMETERS) {
  NAMES.set(parameter.name, parameter);
  if (parameter.alias !== undefined) NAMES.set(parameter.alias, parameter);
}

/** Whatever the case of the name. */
export const findParameter = (name: string): Parameter | undefined => NAMES.get(name.toLowerCase());
/** By every name, the older ones too. */
export const parameterNames = (): Iterable<[string, Parameter]> => NAMES;

export function byName(name: string): Parameter {
  return findParameter(name) as Parameter;
}

/** A value of CONFIG SET as the words that a line of a file would have. */
export function wordsOf(parameter: Parameter, value: string): string[] {
  return parameter.isMulti ? (value === "" ? [] : value.split(" ")) : [value];
}

const camelCase = (name: string): string => name.replace(/[-_](.)/g, (_, letter: string) => letter.toUpperCase());
const DEFAULTS = new Config();
