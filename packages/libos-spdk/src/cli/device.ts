/** The device that a command is about: looked at natively, or opened as a libOS. */
import { existsSync } from "node:fs";
import { DemiError, type LibOS, openLibOS, type QueueDescriptor } from "@demikernel/core";
import { type Inspection, type LogEntry, loadAddon } from "../addon.js";
import { Failure } from "./failure.js";
import { Progress } from "./progress.js";

/** Divides it anew. EEXIST: there is something on it, and `force` is false. */
export async function format(device: string, logs: number, force: boolean): Promise<Inspection> {
  return native("format", loadAddon().format(device, logs, force)).catch((error) => {
    throw error.code === "EEXIST"
      ? new Failure(`${error.message}; --force divides it anew, and all of that is lost`)
      : error;
  });
}

/**
 * Opens the device, which recovers it, and tells what is on it. Only a device that has logs: unlike a libOS this makes no file and formats
 * nothing. ENOENT, EINVAL, EBUSY, EPROTO, EBADMSG.
 */
export async function inspect(device: string): Promise<Inspection> {
  const path = /^file:(.*?)(,size=[^,]*)?$/s.exec(device)?.[1];
  if (path !== undefined && path !== "" && !existsSync(path)) {
    throw new DemiError("ENOENT", "inspect", `${path}: there is no such file; demi-log format makes one`);
  }
  return native("inspect", new Progress().during(`opening ${device}`, loadAddon().inspect(device)));
}

/** The device as a libOS, for `body`; destroyed afterwards, which notes where the logs end. */
export async function withLibOS<T>(device: string, body: (os: LibOS) => Promise<T>): Promise<T> {
  const os = await openLibOS({ libos: "spdk", storage: null, device, from: import.meta.url });
  try {
    return await body(os);
  } finally {
    os.destroy();
  }
}

/** The log of that name. */
export function entryOf(found: Inspection, device: string, name: string): LogEntry {
  const entry = found.logs.find((log) => log.name === name);
  if (entry === undefined) throw new Failure(`ENOENT: ${device} has no log "${name}"; demi-log ls lists those it has`);
  return entry;
}

/** The cursor of a log's queue. */
export function cursor(os: LibOS, qd: QueueDescriptor): number {
  return os.lseek(qd, 0, "cur");
}

async function native<T>(call: string, answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (error) {
    const { errno, message } = error as { errno?: number; message: string };
    throw typeof errno === "number" ? DemiError.from(errno, call, undefined, message) : error;
  }
}
