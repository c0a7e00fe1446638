/** The kinds of queue a message can go through: the same rules are checked on each. */
import assert from "node:assert/strict";
import type { LibOS, QueueDescriptor, QueueToken, SocketOptions, SocketOptionValues } from "@demikernel/core";
import type { CaseContext } from "./case.js";
import type { Need } from "./target.js";
import { completion } from "./turns.js";

export type ChannelKind = "memory" | "tcp" | "dmtr" | "udp";

export const channelKinds: readonly ChannelKind[] = ["memory", "tcp", "dmtr", "udp"];
/** Those that keep the boundaries of what was pushed. */
export const messageKinds: readonly ChannelKind[] = ["memory", "dmtr", "udp"];
/** Those that know an end of the stream. */
export const streamKinds: readonly ChannelKind[] = ["tcp", "dmtr"];

const kindNeeds: Record<ChannelKind, readonly Need[]> = {
  memory: [],
  tcp: ["tcp"],
  dmtr: ["tcp", "dmtr"],
  udp: ["udp"],
};

export function needsOf(kind: ChannelKind, family: 4 | 6 = 4): Need[] {
  return family === 6 ? [...kindNeeds[kind], "ipv6"] : [...kindNeeds[kind]];
}

/** What is pushed into `to` is popped from `from`. One and the same queue in memory. */
export interface Channel {
  readonly kind: ChannelKind;
  readonly to: QueueDescriptor;
  readonly from: QueueDescriptor;
  close(): void;
}

export async function openChannel(
  context: CaseContext,
  os: LibOS,
  kind: ChannelKind,
  family: 4 | 6 = 4,
): Promise<Channel> {
  if (kind === "memory") {
    const qd = os.queue();
    return { kind, to: qd, from: qd, close: () => os.close(qd) };
  }
  const [to, from] =
    kind === "udp"
      ? await datagramPair(context, os, family)
      : await connectedPair(context, os, { family, framing: kind === "dmtr" ? "dmtr" : "stream" });
  const close = () => {
    os.close(to);
    os.close(from);
  };
  return { kind, to, from, close };
}

/** A listening socket on a port of the system's choice. */
export function listener(context: CaseContext, os: LibOS, options: SocketOptions = {}, backlog?: number) {
  const qd = os.socket("tcp", options);
  os.bind(qd, { host: context.host(options.family ?? 4), port: 0 });
  os.listen(qd, backlog);
  const { host, port } = os.getsockname(qd);
  return { qd, host, port };
}

/**
 * Connects that stay under way: to an address that nobody answers for or, where all answer, to a listener that accepts nobody and
 * queues few, which the kernel leaves unanswered. The last of them is under way for sure.
 */
export function unansweredConnects(context: CaseContext, os: LibOS) {
  const silent = context.target.silentAddress?.(4);
  const to = silent === undefined ? listener(context, os, {}, 1) : { ...silent, port: 9, qd: 0 as QueueDescriptor };
  const queues = Array.from({ length: 8 }, () => os.socket("tcp"));
  const connects: QueueToken[] = queues.map((qd) => os.connect(qd, to));
  if (to.qd !== 0) queues.push(to.qd);
  return { queues, connects };
}

export function hasOption(context: CaseContext, name: keyof SocketOptionValues): boolean {
  return context.target.socketOptions?.includes(name) ?? true;
}

/** A small send buffer, where its size can be chosen. */
export function limitSendBuffer(context: CaseContext, os: LibOS, qd: QueueDescriptor): void {
  if (hasOption(context, "sndbuf")) os.setsockopt(qd, "sndbuf", 65536);
}

/** Two ends of one connection inside a libOS: who connected, who accepted. */
export async function connectedPair(
  context: CaseContext,
  os: LibOS,
  options: SocketOptions = {},
): Promise<[client: QueueDescriptor, server: QueueDescriptor]> {
  const server = listener(context, os, options);
  const accepting = os.accept(server.qd);
  const client = os.socket("tcp", options);
  const connected = await completion(context, os, os.connect(client, server));
  assert.equal(connected.result, 0, "connect");
  const accepted = await completion(context, os, accepting);
  assert.equal(accepted.result, 0, "accept");
  assert.ok(accepted.newQd > 0, "accept hands over a descriptor");
  os.close(server.qd);
  return [client, accepted.newQd];
}

/** A bound datagram socket. */
export function datagramSocket(context: CaseContext, os: LibOS, options: SocketOptions = {}) {
  const qd = os.socket("udp", options);
  os.bind(qd, { host: context.host(options.family ?? 4), port: 0 });
  const { host, port } = os.getsockname(qd);
  return { qd, host, port };
}

/** Two datagram sockets, each connected to the other. */
export async function datagramPair(
  context: CaseContext,
  os: LibOS,
  family: 4 | 6 = 4,
): Promise<[QueueDescriptor, QueueDescriptor]> {
  const a = datagramSocket(context, os, { family });
  const b = datagramSocket(context, os, { family });
  assert.equal((await completion(context, os, os.connect(a.qd, b))).result, 0);
  assert.equal((await completion(context, os, os.connect(b.qd, a))).result, 0);
  return [a.qd, b.qd];
}
