import { constants } from "node:fs";
import { DemiError } from "../errors.js";
import type {
  Address,
  OpenOptions,
  QueueDescriptor,
  QueueOptions,
  SocketAddress,
  SocketOptions,
  SocketOptionValues,
} from "../types.js";
import { zoned } from "./address.js";
import type { Runtime } from "./runtime.js";

/** Numbers of native/include/demi/queue.hpp, enum SocketOption. */
const OPTIONS: Record<keyof SocketOptionValues, { number: number; boolean: boolean }> = {
  nodelay: { number: 1, boolean: true },
  keepalive: { number: 2, boolean: true },
  linger: { number: 3, boolean: false },
  reuseaddr: { number: 4, boolean: true },
  reuseport: { number: 5, boolean: true },
  sndbuf: { number: 6, boolean: false },
  rcvbuf: { number: 7, boolean: false },
};

const WHENCE = { set: 0, cur: 1, end: 2 } as const;
const { O_RDONLY, O_RDWR, O_WRONLY, O_CREAT, O_TRUNC, O_APPEND, O_EXCL } = constants;
/** The flag strings of node:fs. */
const OPEN_FLAGS: Record<string, number> = {
  r: O_RDONLY,
  "r+": O_RDWR,
  w: O_WRONLY | O_CREAT | O_TRUNC,
  wx: O_WRONLY | O_CREAT | O_TRUNC | O_EXCL,
  "w+": O_RDWR | O_CREAT | O_TRUNC,
  "wx+": O_RDWR | O_CREAT | O_TRUNC | O_EXCL,
  a: O_WRONLY | O_CREAT | O_APPEND,
  ax: O_WRONLY | O_CREAT | O_APPEND | O_EXCL,
  "a+": O_RDWR | O_CREAT | O_APPEND,
  "ax+": O_RDWR | O_CREAT | O_APPEND | O_EXCL,
};

/** The control path: checks arguments, crosses the boundary once, turns negative errnos into DemiErrors. */
export class Control {
  readonly #runtime: Runtime;

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  queue(options: QueueOptions): QueueDescriptor {
    const capacity = options?.capacity ?? 1024;
    if (!Number.isInteger(capacity) || capacity < 1 || capacity > 65536) {
      throw new DemiError("EINVAL", "queue", `capacity is ${capacity}, not 1 to 65536`);
    }
    return this.#opened(this.#ready("queue").native.queue(capacity), "queue");
  }

  socket(kind: string, options: SocketOptions): QueueDescriptor {
    const { family = 4, framing = "stream", maxMessage = 1 << 20 } = options ?? {};
    if (kind !== "tcp" && kind !== "udp") throw new DemiError("EINVAL", "socket", `kind is "${kind}", not tcp or udp`);
    if (family !== 4 && family !== 6) throw new DemiError("EINVAL", "socket", `family is ${family}, not 4 or 6`);
    if (framing !== "stream" && framing !== "dmtr") {
      throw new DemiError("EINVAL", "socket", `framing is "${framing}", not stream or dmtr`);
    }
    if (!Number.isInteger(maxMessage) || maxMessage < 1 || maxMessage > 0x3fffffff) {
      throw new DemiError("EINVAL", "socket", `maxMessage is ${maxMessage}, not 1 to ${0x3fffffff} bytes`);
    }
    return this.#opened(this.#ready("socket").native.socket(kind === "udp", family, framing, maxMessage), "socket");
  }

  open(path: string, flags: string, options: OpenOptions): QueueDescriptor {
    const bits = Object.hasOwn(OPEN_FLAGS, flags) ? OPEN_FLAGS[flags] : undefined;
    checkPath(path, "open");
    if (bits === undefined) {
      throw new DemiError("EINVAL", "open", `flags is "${flags}", not one of ${Object.keys(OPEN_FLAGS).join(", ")}`);
    }
    const { mode = 0o644, durable = false } = options ?? {};
    if (!Number.isInteger(mode) || mode < 0 || mode > 0o7777) throw new DemiError("EINVAL", "open", `mode is ${mode}`);
    return this.#opened(this.#ready("open").native.open(path, bits, mode, durable), "open", path);
  }

  unlink(path: string): void {
    checkPath(path, "unlink");
    this.#check(this.#ready("unlink").native.unlink(path), "unlink", undefined, path);
  }

  bind(qd: QueueDescriptor, to: Address): void {
    const runtime = this.#ready("bind");
    const address = runtime.address(to, "bind", qd, 0);
    const detail = `${to.host}:${to.port}`;
    this.#check(runtime.native.bind(qd, zoned(address), address.port), "bind", qd, detail);
  }

  listen(qd: QueueDescriptor, backlog: number): void {
    if (!Number.isInteger(backlog) || backlog < 1 || backlog > 65535) {
      throw new DemiError("EINVAL", "listen", `backlog is ${backlog}, not 1 to 65535`, qd);
    }
    this.#check(this.#ready("listen").native.listen(qd, backlog), "listen", qd);
  }

  shutdown(qd: QueueDescriptor): void {
    if (this.#runtime.derived.get(qd) !== undefined) {
      throw new DemiError("EOPNOTSUPP", "shutdown", "made from other queues: shut those down", qd);
    }
    this.#check(this.#ready("shutdown").native.shutdown(qd), "shutdown", qd);
    // What it ended is to be told.
    if (this.#runtime.asleep) this.#runtime.kick();
  }

  name(qd: QueueDescriptor, peer: boolean): SocketAddress {
    const syscall = peer ? "getpeername" : "getsockname";
    const name = this.#ready(syscall).native.name(qd, peer);
    if (typeof name === "number") throw DemiError.from(name, syscall, qd);
    return { host: name[0], port: name[1], family: name[2] as 4 | 6 };
  }

  setsockopt(qd: QueueDescriptor, name: keyof SocketOptionValues, value: boolean | number): void {
    const option = socketOption(name, "setsockopt", qd);
    const valid = option.boolean
      ? typeof value === "boolean"
      : Number.isInteger(value) && Math.abs(Number(value)) < 2 ** 31;
    if (!valid) throw new DemiError("EINVAL", "setsockopt", `${name} does not take ${String(value)}`, qd);
    this.#check(this.#ready("setsockopt").native.setOption(qd, option.number, Number(value)), "setsockopt", qd, name);
  }

  getsockopt(qd: QueueDescriptor, name: keyof SocketOptionValues): boolean | number {
    const option = socketOption(name, "getsockopt", qd);
    const value = this.#ready("getsockopt").native.getOption(qd, option.number);
    if (typeof value === "number") throw DemiError.from(value, "getsockopt", qd, name);
    return option.boolean ? value[0] !== 0 : value[0];
  }

  lseek(qd: QueueDescriptor, offset: number, whence: "set" | "cur" | "end"): number {
    if (!Number.isSafeInteger(offset) || !Object.hasOwn(WHENCE, whence)) {
      throw new DemiError("EINVAL", "lseek", `offset ${offset}, whence "${whence}"`, qd);
    }
    return this.#check(this.#ready("lseek").native.seek(qd, offset, WHENCE[whence]), "lseek", qd);
  }

  truncate(qd: QueueDescriptor, length: number): void {
    if (!Number.isSafeInteger(length) || length < 0) throw new DemiError("EINVAL", "truncate", `length ${length}`, qd);
    this.#check(this.#ready("truncate").native.truncate(qd, length), "truncate", qd);
  }

  /** Submissions made before a control call are carried out before it. */
  #ready(syscall: string): Runtime {
    this.#runtime.open(syscall);
    this.#runtime.flush();
    return this.#runtime;
  }

  #opened(result: number, syscall: string, detail?: string): QueueDescriptor {
    return this.#check(result, syscall, undefined, detail) as QueueDescriptor;
  }

  #check(result: number, syscall: string, qd?: QueueDescriptor, detail?: string): number {
    if (result < 0) throw DemiError.from(result, syscall, qd, detail);
    return result;
  }
}

function checkPath(path: string, syscall: string): void {
  if (typeof path !== "string" || path === "" || path.includes("\0")) {
    throw new DemiError("EINVAL", syscall, "path is not a file name");
  }
}

function socketOption(name: string, syscall: string, qd: QueueDescriptor): { number: number; boolean: boolean } {
  if (!Object.hasOwn(OPTIONS, name)) {
    throw new DemiError("EINVAL", syscall, `"${name}" is not one of ${Object.keys(OPTIONS).join(", ")}`, qd);
  }
  return OPTIONS[name as keyof SocketOptionValues];
}
