/** What the machine offers to core itself, whatever the backend. */
import { availableParallelism } from "node:os";
import type { Check } from "../backend.js";
import type { CoreOptions } from "../config.js";
import { loadBuiltIn } from "../discovery.js";
import { arenaBytes } from "../schema.js";
import { messageOf } from "./report.js";

const OLDEST_NODE: readonly [number, number] = [20, 17];
const MIB = 1024 ** 2;

export async function coreChecks(options: CoreOptions): Promise<Check[]> {
  return [node(), platform(), await addon(), memory(options), cores(options)];
}

function node(): Check {
  const [major, minor] = process.versions.node.split(".").map(Number);
  const [oldMajor, oldMinor] = OLDEST_NODE;
  const enough = major > oldMajor || (major === oldMajor && minor >= oldMinor);
  return {
    name: "node",
    status: enough ? "ok" : "fail",
    message: `Node.js ${process.versions.node}`,
    ...(enough ? {} : { fix: `install Node.js ${oldMajor}.${oldMinor} or later` }),
  };
}

function platform(): Check {
  const message = `${process.platform} ${process.arch}`;
  if (process.platform === "linux") return { name: "platform", status: "ok", message };
  return { name: "platform", status: "fail", message, fix: "run on Linux" };
}

async function addon(): Promise<Check> {
  const backend = await loadBuiltIn();
  try {
    backend.load();
    return { name: "addon", status: "ok", message: `the native addon of core ${backend.version} loads` };
  } catch (error) {
    return {
      name: "addon",
      status: "fail",
      message: messageOf(error),
      fix: `npm install --force @demikernel/core@${backend.version}`,
    };
  }
}

function memory(options: CoreOptions): Check {
  const need = arenaBytes(options.arena);
  const available = process.availableMemory();
  const message = `${size(available)} available, the arena takes up to ${size(need)}`;
  if (need <= available) return { name: "memory", status: "ok", message };
  const count = Math.max(1, Math.floor(available / 4 / 4096));
  return {
    name: "memory",
    status: "warn",
    message,
    fix: `arena: [{size: 4096, count: ${count}}]   # in the configuration file`,
  };
}

function cores(options: CoreOptions): Check {
  const count = availableParallelism();
  const message = `${count} ${count === 1 ? "core" : "cores"} for this process, loop "${options.loop}"`;
  if (count > 1 || options.loop === "interrupt") return { name: "cores", status: "ok", message };
  return {
    name: "cores",
    status: "warn",
    message,
    fix: "loop: interrupt   # in the configuration file: polling takes the only core",
  };
}

function size(bytes: number): string {
  return bytes < MIB ? `${Math.ceil(bytes / 1024)} KiB` : `${Math.round(bytes / MIB)} MiB`;
}
