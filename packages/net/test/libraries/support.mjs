/** What scenarios wait for, with a limit, and the bytes that they send. */
import { createHash } from "node:crypto";
import { once } from "node:events";
import { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";

const LIMIT = 20_000;

/** The promise, or a failure that says what did not come in time. */
export function within(promise, what, limit = LIMIT) {
  let timer;
  const late = new Promise((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`not within ${limit} ms: ${what}`)), limit);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

/** One event's arguments. An "error" instead is thrown. */
export const event = (emitter, name, limit = LIMIT) => within(once(emitter, name), `"${name}"`, limit);

/** One event, with errors before it or not. */
export const happens = (emitter, name, limit = LIMIT) =>
  within(new Promise((resolve) => emitter.once(name, resolve)), `"${name}"`, limit);

/** Until it is so. */
export async function until(isSo, what, limit = LIMIT) {
  const end = Date.now() + limit;
  while (!(await isSo())) {
    if (Date.now() > end) throw new Error(`not within ${limit} ms: ${what}`);
    await sleep(5);
  }
}

/** What a count comes to when it has stopped to grow. */
export async function settled(count, what, limit = LIMIT) {
  let last = count();
  let since = Date.now();
  await until(
    () => {
      const now = count();
      if (now !== last || now === 0) {
        last = now;
        since = Date.now();
      }
      return Date.now() - since > 250;
    },
    `${what} comes to rest`,
    limit,
  );
  return last;
}

/** Bytes that differ at each place, the same for the same length. */
export function patternOf(length, seed = 1) {
  const bytes = Buffer.allocUnsafe(length);
  let x = seed | 1;
  for (let i = 0; i < length; i++) {
    x = (Math.imul(x, 1664525) + 1013904223) | 0;
    bytes[i] = x >>> 24;
  }
  return bytes;
}

const BLOCK = patternOf(64 * 1024 - 7);

/** So many bytes, made as they are read; `made` counts them. */
export function flow(length, made = () => {}) {
  let left = length;
  return new Readable({
    read() {
      if (left === 0) {
        this.push(null);
        return;
      }
      const some = left >= BLOCK.length ? BLOCK : BLOCK.subarray(0, left);
      left -= some.length;
      made(some.length);
      this.push(some);
    },
  });
}

export async function digestOf(stream) {
  const hash = createHash("sha256");
  let bytes = 0;
  for await (const chunk of stream) {
    hash.update(chunk);
    bytes += chunk.length;
  }
  return `${bytes} ${hash.digest("hex")}`;
}

export const textOf = async (stream) => Buffer.concat(await stream.toArray()).toString();

/** How much more memory buffers took meanwhile than before, at most. */
export function watchMemory() {
  const before = process.memoryUsage().arrayBuffers;
  let most = 0;
  const look = () => {
    // What nobody holds is no matter of this: when it is collected depends on how busy the machine is.
    globalThis.gc?.();
    most = Math.max(most, process.memoryUsage().arrayBuffers - before);
  };
  const timer = setInterval(look, 100);
  return () => {
    clearInterval(timer);
    look();
    return most;
  };
}

/** A plain socket whose text is looked at as it comes. */
export class Talk {
  text = "";
  isEnded = false;
  isClosed = false;
  error = undefined;

  static async to(net, port, options = {}) {
    const socket = net.connect({ port, host: "127.0.0.1", ...options });
    await event(socket, "connect");
    return new Talk(socket);
  }

  constructor(socket) {
    this.socket = socket;
    socket.on("data", (bytes) => {
      this.text += bytes.toString("latin1");
    });
    socket.on("end", () => {
      this.isEnded = true;
    });
    socket.on("error", (error) => {
      this.error = error;
    });
    socket.on("close", () => {
      this.isClosed = true;
    });
  }

  says(pattern) {
    return until(() => pattern.test(this.text), `${pattern} from the peer`).catch((error) => {
      throw new Error(`${error.message}; got ${JSON.stringify(this.text.slice(-300))}`);
    });
  }

  closes() {
    return until(() => this.isClosed, "the socket's end").catch((error) => {
      throw new Error(`${error.message}; got ${JSON.stringify(this.text.slice(-300))}, ended: ${this.isEnded}`);
    });
  }
}
