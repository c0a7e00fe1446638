/** The options of this backend: their schema, what a schema cannot say of them, and their form for the addon. */
import { isIP } from "node:net";

/** Receives of a connection beyond its credits, for messages that need none: two that return credits, and the end. */
const RESERVED_RECEIVES = 3;
/** Memory of all posted receives together. */
const MOST_RECEIVE_BYTES = 2 ** 30;
/** Of an sga, and a message is popped as one. */
const MOST_SEGMENTS = 16;
/** Bytes, where the arena has room for them. */
export const DEFAULT_MESSAGE = 1 << 20;

/** Options of the rdma backend. */
export interface RdmaOptions {
  /**
   * What carries the messages. "verbs": an RDMA device; "tcp": the kernel's TCP; "shm": memory shared by processes of one host. The latter
   * two are no RDMA. Default "auto".
   */
  provider?: "auto" | "verbs" | "tcp" | "shm";
  /** Name of the RDMA device ("rxe0"), over tcp of the interface; default: the one that has the address. */
  device?: string;
  /** Local address, "10.9.0.1": sockets bound to no other use it; default: any. */
  address?: string;
  /** Messages a peer may send before the first of them is popped. 1 to 1024, default 16. */
  credits?: number;
  /** Bytes of one posted receive: 256 to 65536, a multiple of 64. Default 4096. */
  slot?: number;
  /** Receives of all connections together; a popped sga is one until it is freed. 64 to 131072, default 20480. */
  receives?: number;
  /** Bytes of the largest message that is taken or sent, 64 to 16 MiB; default: 1 MiB, or what the arena has room for. */
  maxMessage?: number;
}

/** JSON Schema of each option; core checks values against it before they come here. */
export const optionSchemas: Readonly<Record<keyof RdmaOptions, object>> = {
  provider: {
    type: "string",
    enum: ["auto", "verbs", "tcp", "shm"],
    default: "auto",
    description:
      "What carries the messages. verbs: an RDMA device; tcp: the kernel's TCP; shm: memory shared by processes of one host. The latter two are no RDMA.",
  },
  device: {
    type: "string",
    description: 'Name of the RDMA device ("rxe0"), over tcp of the interface; default: the one that has the address.',
  },
  address: {
    type: "string",
    description: 'Local address, "10.9.0.1": sockets bound to no other use it; default: any.',
  },
  credits: {
    type: "integer",
    minimum: 1,
    maximum: 1024,
    default: 16,
    description: "Messages a peer may send before the first of them is popped.",
  },
  slot: {
    type: "integer",
    minimum: 256,
    maximum: 65536,
    multipleOf: 64,
    default: 4096,
    description: "Bytes of one posted receive.",
  },
  receives: {
    type: "integer",
    minimum: 64,
    maximum: 131072,
    default: 20480,
    description: "Receives of all connections together; a popped sga is one until it is freed.",
  },
  maxMessage: {
    type: "integer",
    minimum: 64,
    maximum: 16 << 20,
    description: "Bytes of the largest message that is taken or sent; default: 1 MiB, or what the arena has room for.",
  },
};

/** Values as core hands them over: strings. */
type Values = Readonly<Record<string, string | undefined>>;

/**
 * What the addon's open() takes: every option, as a string. `largestSlot` is the arena's, in bytes. Throws an Error with `errno`
 * -EINVAL whose message names each wrong key and what is wrong with it.
 */
export function nativeConfig(values: Values, largestSlot: number): Record<string, string> {
  const room = largestSlot * MOST_SEGMENTS;
  const config = {
    ...Object.fromEntries(
      Object.entries(optionSchemas).map(([key, schema]) => [key, values[key] ?? defaultOf(schema)]),
    ),
    maxMessage: values.maxMessage ?? String(Math.min(DEFAULT_MESSAGE, room)),
  } as Record<"provider" | "device" | "address" | "credits" | "slot" | "receives" | "maxMessage", string>;

  const problems: string[] = [];
  const refuse = (key: string, problem: string) =>
    problems.push(`rdma.${key} ${problem}; got ${JSON.stringify(values[key] ?? config[key as keyof typeof config])}`);

  // As the kernel has them: up to 63 characters for an RDMA device, 15 for an interface.
  if (!/^[\w.:-]{0,63}$/.test(config.device)) refuse("device", "must be the name of an RDMA device or an interface");
  const addressProblem = notLocal(config.address);
  if (addressProblem) refuse("address", addressProblem);

  const [credits, slot, receives] = [config.credits, config.slot, config.receives].map(Number) as [
    number,
    number,
    number,
  ];
  const least = credits + RESERVED_RECEIVES;
  if (receives < least) {
    refuse("receives", `must be at least ${least}, the credits of one connection and ${RESERVED_RECEIVES} more`);
  } else if (receives * slot > MOST_RECEIVE_BYTES) {
    const most = Math.floor(MOST_RECEIVE_BYTES / slot);
    refuse("receives", `must be at most ${most} with ${slot} bytes each, so that they fit into 1 GiB`);
  }
  if (Number(config.maxMessage) > room) {
    refuse("maxMessage", `must be at most ${room}, ${MOST_SEGMENTS} of the arena's largest slots`);
  }
  if (problems.length > 0) throw Object.assign(new Error(problems.join("; ")), { errno: -22 });
  return config;
}

function defaultOf(schema: object): string {
  return String((schema as { default?: string | number }).default ?? "");
}

/** Why a connection cannot come from this address; undefined when it can, also for "", any. */
function notLocal(address: string): string | undefined {
  if (address === "") return undefined;
  const family = address.includes("%") ? 0 : isIP(address);
  if (family === 0) return "must be an IPv4 or IPv6 address";
  const first = Number(address.split(".")[0]);
  const wildcard = family === 4 ? first === 0 : /^[0:]+$/.test(address);
  if (wildcard) return "must be the address of an interface; leave it out for any";
  const group = family === 4 ? first >= 224 : /^ff/i.test(address);
  return group ? "must be the address of an interface, not of a group" : undefined;
}
