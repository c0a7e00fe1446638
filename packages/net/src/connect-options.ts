/** Where to connect to, and how: what connect() was given, checked in node:net's order and with its errors. */
import net, { isIP, type SocketConnectOpts } from "node:net";
import { portOf } from "./connect-arguments.js";
import { badAddress, outOfRange, wrongType } from "./errors.js";

export interface ConnectPlan {
  /** All that was given. */
  readonly options: SocketConnectOpts;
  readonly path: string | undefined;
  readonly host: string;
  readonly port: number;
  /** All addresses of the host are tried in turn. */
  readonly severally: boolean;
  /** For each of them, in milliseconds. */
  readonly attemptTimeout: number;
}

/** As node:net's: shorter attempts are none. */
const LEAST_ATTEMPT = 10;

/** Throws for what is no place to connect to. */
export function planOf(options: SocketConnectOpts): ConnectPlan {
  const given = options as unknown as Record<string, unknown>;
  const { path, localAddress, localPort, autoSelectFamily, autoSelectFamilyAttemptTimeout, lookup } = given;
  const host = (given.host as string) || "localhost";
  if (path) {
    if (typeof path !== "string") throw wrongType("options.path", "of type string", path);
    return { options, path, host, port: 0, severally: false, attemptTimeout: 0 };
  }
  if (localAddress && !isIP(String(localAddress))) throw badAddress(localAddress);
  if (localPort && typeof localPort !== "number") throw wrongType("options.localPort", "of type number", localPort);
  const port = portOf(given.port);
  if (!isAbsent(autoSelectFamily) && typeof autoSelectFamily !== "boolean") {
    throw wrongType("options.autoSelectFamily", "of type boolean", autoSelectFamily);
  }
  const severally = (autoSelectFamily as boolean | undefined | null) ?? net.getDefaultAutoSelectFamily();
  const attemptTimeout = attemptTimeoutOf(autoSelectFamilyAttemptTimeout);
  // An address is not looked up.
  if (isIP(host) === 0 && !isAbsent(lookup) && typeof lookup !== "function") {
    throw wrongType("options.lookup", "of type function", lookup);
  }
  return { options, path: undefined, host, port, severally, attemptTimeout };
}

function attemptTimeoutOf(given: unknown): number {
  const name = "options.autoSelectFamilyAttemptTimeout";
  if (isAbsent(given)) return net.getDefaultAutoSelectFamilyAttemptTimeout();
  if (typeof given !== "number") throw wrongType(name, "of type number", given);
  if (!Number.isInteger(given)) throw outOfRange(name, "an integer", given);
  if (given < 1 || given > 2 ** 31 - 1) throw outOfRange(name, ">= 1 && <= 2147483647", given);
  return Math.max(given, LEAST_ATTEMPT);
}

const isAbsent = (value: unknown): value is undefined | null => value === undefined || value === null;
