/** bytesRead, bytesWritten, readyState, addresses: at each phase of a connection. */
import assert from "node:assert/strict";
import { needs } from "../needs.mjs";

const state = (s) => [
  s.pending,
  s.connecting,
  s._connecting,
  s.readyState,
  s.readable,
  s.writable,
  s.destroyed,
  s.closed,
];

export const cases = {
  "readyState, pending, connecting of one that is new": async (net) => state(new net.Socket()),
  "while connecting": async (_net, t) => {
    const server = await t.serve();
    return state(t.connect(server));
  },
  "once connected, and of the accepted one": async (_net, t) => {
    const { client, accepted } = await t.pair();
    return [state(client), state(accepted)];
  },
  "after end()": async (_net, t) => {
    const { client, accepted } = await t.pair({ server: { allowHalfOpen: true } });
    accepted.resume();
    client.end();
    const before = state(client);
    await t.event(client, "finish");
    return [before, state(client)];
  },
  "after the peer's end": async (_net, t) => {
    const { client, accepted } = await t.pair({ client: { allowHalfOpen: true } });
    client.resume();
    accepted.end();
    await t.event(client, "end");
    return state(client);
  },
  "after close": async (_net, t) => {
    const { client, accepted } = await t.pair();
    accepted.resume();
    client.destroy();
    const at = state(client);
    await t.closed(client, accepted);
    return [at, state(client), state(accepted)];
  },
  "after a failed connection": async (net, t) => {
    const client = t.owns(net.connect(await t.deadPort(), t.host));
    const seen = [];
    client.on("error", () => seen.push(state(client)));
    await t.closed(client);
    return [seen, state(client)];
  },
  "bytesWritten before, during, after": async (net, t) => {
    const server = await t.serve((socket) => socket.resume());
    const client = t.owns(new net.Socket());
    const seen = [client.bytesWritten];
    client.connect(server.address().port, t.host);
    client.write("four");
    seen.push(client.bytesWritten);
    client.write(Buffer.from("five5"));
    client.write("€", "utf8");
    client.write("abcd", "hex");
    seen.push(client.bytesWritten);
    await t.event(client, "connect");
    await t.turns();
    seen.push(client.bytesWritten);
    client.end("x");
    client.resume();
    seen.push(client.bytesWritten);
    await t.closed(client);
    seen.push(client.bytesWritten, client._bytesDispatched);
    return seen;
  },
  "bytesWritten while corked": async (_net, t) => {
    const { client, accepted } = await t.pair();
    accepted.resume();
    client.cork();
    client.write("abc");
    client.write("€");
    const corked = [client.bytesWritten, client._bytesDispatched];
    client.uncork();
    await t.turns();
    return [corked, client.bytesWritten];
  },
  bytesRead: async (net, t) => {
    const { client, accepted } = await t.pair();
    const seen = [client.bytesRead, new net.Socket().bytesRead];
    client.resume();
    accepted.end("12345");
    await t.closed(client, accepted);
    seen.push(client.bytesRead, accepted.bytesRead);
    return seen;
  },
  "bytesWritten of 3 MB that stand still": async (_net, t) => {
    const { client, accepted } = await t.pair({ watched: false });
    accepted.pause();
    client.write(Buffer.alloc(3_000_000));
    client.write(Buffer.alloc(3_000_000));
    client.write("x");
    assert.equal(client.bytesWritten, 6_000_001);
    const got = t.bytes(accepted);
    client.end();
    accepted.resume();
    assert.equal((await got).length, 6_000_001);
    return client.bytesWritten;
  },
  bufferSize: async (net, t) => {
    const fresh = new net.Socket().bufferSize;
    const { client, accepted } = await t.pair();
    accepted.resume();
    const idle = client.bufferSize;
    client.destroy();
    await t.closed(client);
    return [fresh, idle, client.bufferSize];
  },
  "addresses of both ends": async (_net, t) => {
    const { server, client, accepted } = await t.pair();
    const { port } = server.address();
    assert.equal(client.remotePort, port);
    assert.equal(accepted.localPort, port);
    assert.equal(accepted.remotePort, client.localPort);
    assert.deepEqual(client.address(), { address: t.host, family: "IPv4", port: client.localPort });
    const of = (s) => [s.remoteAddress, s.remoteFamily, s.localAddress, s.localFamily];
    return [of(client), of(accepted), Object.keys(client.address())];
  },
  "addresses before, while connecting, after": async (net, t) => {
    const server = await t.serve((socket) => socket.resume());
    const client = t.owns(new net.Socket());
    const of = () => [
      client.remoteAddress,
      client.remoteFamily,
      typeof client.remotePort,
      client.localAddress,
      typeof client.localPort,
      Object.keys(client.address()),
    ];
    const seen = [of()];
    client.connect(server.address().port, t.host);
    seen.push([client.remoteAddress, client.remotePort, client.remoteFamily]);
    await t.event(client, "connect");
    seen.push(of());
    client.destroy();
    seen.push(of());
    await t.closed(client);
    seen.push(of());
    return seen;
  },
  "remoteAddress after close, where it was looked at before": async (_net, t) => {
    const { client, accepted } = await t.pair();
    const before = accepted.remotePort;
    client.destroy();
    accepted.resume();
    await t.closed(client, accepted);
    assert.equal(accepted.remotePort, before);
    return [accepted.remoteAddress, accepted.remoteFamily, accepted.localAddress, client.remoteAddress];
  },
  "remoteAddress at 'end' of the peer": async (_net, t) => {
    const { client, accepted } = await t.pair();
    accepted.resume();
    client.end();
    await t.event(accepted, "end");
    return [accepted.remoteAddress, typeof accepted.remotePort];
  },
  "mapped addresses of a server on both families": needs(["ipv6"], async (net, t) => {
    let accept;
    const accepting = new Promise((resolve) => {
      accept = resolve;
    });
    const server = await t.serve((socket) => accept(socket), {}, { host: "::" });
    const client = t.owns(net.connect(server.address().port, "127.0.0.1"));
    const [accepted] = await Promise.all([accepting, t.event(client, "connect")]);
    return [
      accepted.remoteAddress,
      accepted.remoteFamily,
      accepted.localAddress,
      accepted.localFamily,
      client.remoteAddress,
    ];
  }),
  IPv6: needs(["ipv6"], async (net, t) => {
    let accept;
    const accepting = new Promise((resolve) => {
      accept = resolve;
    });
    const server = await t.serve((socket) => accept(socket), {}, { host: "::1" });
    const client = t.record.watch("client", t.owns(net.connect(server.address().port, "::1")));
    await t.event(client, "connect");
    const accepted = await accepting;
    return [
      accepted.remoteAddress,
      accepted.remoteFamily,
      client.address().family,
      server.address().family,
      t.record.parties,
    ];
  }),
  localAddress: needs(["addresses"], async (_net, t) => {
    const { client, accepted } = await t.pair({ client: { localAddress: "127.0.0.2" } });
    return [client.localAddress, accepted.remoteAddress];
  }),
  localPort: async (_net, t) => {
    const port = await t.deadPort();
    const { client, accepted } = await t.pair({ client: { localPort: port } });
    assert.equal(client.localPort, port);
    assert.equal(accepted.remotePort, port);
  },
  "a localAddress that is not here": async (_net, t) => {
    const server = await t.serve();
    const client = t.record.watch("client", t.connect(server, { localAddress: "198.51.100.7" }));
    const [error] = await t.event(client, "error");
    await t.closed(client);
    return [t.shape(error), t.record.parties];
  },
  "a localPort that is taken": async (_net, t) => {
    const server = await t.serve();
    const client = t.record.watch(
      "client",
      t.connect(server, { localAddress: t.host, localPort: server.address().port }),
    );
    const [error] = await t.event(client, "error");
    await t.closed(client);
    return [t.shape(error).code, t.record.parties];
  },
  "a refused connection with a localPort": async (net, t) => {
    const [port, local] = [await t.deadPort(), await t.deadPort()];
    const client = t.owns(net.connect({ port, host: t.host, localPort: local, localAddress: t.host }));
    const [error] = await t.event(client, "error");
    return t.shape(error);
  },
  autoSelectFamilyAttemptedAddresses: async (_net, t) => {
    const { client } = await t.pair();
    return client.autoSelectFamilyAttemptedAddresses;
  },
};
