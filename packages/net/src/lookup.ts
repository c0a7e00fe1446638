/** From a name to addresses, with the events of node:net. */
import dns from "node:dns";
import { isIP, type TcpSocketConnectOpts } from "node:net";
import type { ConnectPlan } from "./connect-options.js";
import { badAddress, badFamily, type SocketError } from "./errors.js";

export interface Address {
  address: string;
  family: number;
}

/** Who wants the addresses. */
export interface Seeker {
  /** Nobody wants them any more. */
  readonly isOver: boolean;
  /** A "lookup" event: an error, or one address that was found. */
  tell(error: Error | null, address?: string, family?: number): void;
  /** In the order in which they are tried; at least one. */
  found(addresses: Address[]): void;
  failed(error: Error): void;
}

type Lookup = (host: string, options: object, done: (error: Error | null, ...found: never[]) => void) => void;

export function lookUp(plan: ConnectPlan, seeker: Seeker): void {
  const { family: wanted, hints, localAddress, lookup } = plan.options as TcpSocketConnectOpts;
  const asked = wanted as unknown;
  const family = asked === "IPv4" ? 4 : asked === "IPv6" ? 6 : wanted;
  const isFixed = family === 4 || family === 6;
  const options = { family, hints: !isFixed && !hints ? dns.ADDRCONFIG : hints || 0 };
  const ask = (lookup || dns.lookup) as Lookup;
  if (!isFixed && !localAddress && plan.severally) {
    ask(plan.host, { ...options, all: true }, (error, found: Address[]) => foundAll(plan, seeker, error, found));
  } else {
    ask(plan.host, options, (error, address: string, kind: number) =>
      foundOne(plan, seeker, error, { address, family: kind }),
    );
  }
}

function foundOne(plan: ConnectPlan, seeker: Seeker, error: Error | null, found: Address): void {
  seeker.tell(error, found.address, found.family);
  if (seeker.isOver) return;
  const wrong = error ?? whatIsWrong(plan, found);
  if (wrong !== undefined) seeker.failed(wrong);
  else seeker.found([found]);
}

function foundAll(plan: ConnectPlan, seeker: Seeker, error: Error | null, found: Address[]): void {
  if (seeker.isOver) return;
  if (error) {
    seeker.tell(error);
    seeker.failed(error);
    return;
  }
  const valid: Address[] = [];
  for (const each of found) {
    seeker.tell(error, each.address, each.family);
    if (seeker.isOver) return;
    const isNew = !valid.some(({ address }) => address === each.address);
    if (isNew && whatIsWrong(plan, each) === undefined) valid.push(each);
  }
  if (valid.length > 0) {
    seeker.found(alternating(valid));
    return;
  }
  const wrong = whatIsWrong(plan, found[0]);
  if (wrong !== undefined) seeker.failed(wrong);
}

function whatIsWrong({ host, port }: ConnectPlan, { address, family }: Address): SocketError | undefined {
  if (isIP(address) === 0) return badAddress(address);
  if (family !== 4 && family !== 6) return badFamily(family, host, port);
  return undefined;
}

/** The family of the first one has the first turn. */
function alternating(addresses: Address[]): Address[] {
  const first = addresses.filter(({ family }) => family === addresses[0].family);
  const others = addresses.filter(({ family }) => family !== addresses[0].family);
  const all: Address[] = [];
  for (let i = 0; i < Math.max(first.length, others.length); i++) {
    if (i < first.length) all.push(first[i]);
    if (i < others.length) all.push(others[i]);
  }
  return all;
}
