/** Paths and descriptors, which are the kernel's whatever the backend is. */
import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export const cases = {
  "listen(path) is the kernel's": async (net, t) => {
    const folder = mkdtempSync(join(tmpdir(), "net-behaviour-"));
    t.after(() => rmSync(folder, { recursive: true }));
    const path = join(folder, "pipe");
    const server = t.owns(net.createServer((socket) => t.owns(socket).end("by path")));
    server.listen(path);
    await t.event(server, "listening");
    assert.equal(server.address(), path);
    const got = [];
    for (const args of [[path], [{ path }], [{ path, allowHalfOpen: true }]]) {
      const client = t.owns(net.connect(...args));
      got.push(String(await t.bytes(client)), client.remoteAddress, client.address());
    }
    server.close();
    return got;
  },
  "an echo over a path, and its events": async (net, t) => {
    const folder = mkdtempSync(join(tmpdir(), "net-behaviour-"));
    t.after(() => rmSync(folder, { recursive: true }));
    const server = t.owns(net.createServer((socket) => t.owns(socket).pipe(socket)));
    server.listen({ path: join(folder, "pipe") });
    await t.event(server, "listening");
    const client = t.record.watch("client", t.owns(net.connect({ path: join(folder, "pipe") })));
    const bytes = Buffer.alloc(500_000, "pipe");
    const got = t.bytes(client);
    client.end(bytes);
    assert.ok((await got).equals(bytes));
    await t.closed(client);
    server.close();
    return [client.bytesRead, client.bytesWritten, t.record.parties.client.filter((event) => event !== "drain")];
  },
  "what a socket of a path has": async (net, t) => {
    const folder = mkdtempSync(join(tmpdir(), "net-behaviour-"));
    t.after(() => rmSync(folder, { recursive: true }));
    const server = t.owns(net.createServer((socket) => t.owns(socket).resume()));
    server.listen({ path: join(folder, "pipe") });
    await t.event(server, "listening");
    const client = t.record.watch("client", t.owns(net.connect(join(folder, "pipe"))));
    client.on("error", () => {});
    const connecting = [client.connecting, client.pending, client.readyState];
    await t.event(client, "connect");
    const seen = [
      client.setNoDelay() === client,
      client.setKeepAlive(true) === client,
      client.localAddress,
      client.remotePort,
    ];
    const thrown = t.thrown(() => client.resetAndDestroy());
    const after = client.destroyed;
    client.resume();
    client.end("x");
    await t.closed(client);
    server.close();
    return [connecting, seen, thrown, after, client.bytesWritten, t.record.parties];
  },
  "a path at which nobody listens": async (net, t) => {
    const client = t.record.watch("client", t.owns(net.connect("/nonexistent/pipe")));
    const [error] = await t.event(client, "error");
    await t.closed(client);
    return [t.shape(error), t.record.parties];
  },
  "listen(fd) is the kernel's": async (_net, t) => {
    const { default: kernel } = await import("node:net");
    const holder = kernel.createServer().listen(0, "127.0.0.1");
    await t.event(holder, "listening");
    const { port } = holder.address();
    const child = t.child("listen-descriptor.mjs", { stdio: ["ignore", "pipe", "inherit", holder._handle] });
    const [said] = await t.event(child.stdout, "data");
    holder.close();
    assert.equal(JSON.parse(said).port, port);
    const client = t.owns(kernel.connect(port, "127.0.0.1"));
    assert.equal(String(await t.bytes(client)), "by descriptor");
    client.destroy();
    return (await t.event(child, "exit"))[0];
  },
  "a descriptor that is none": async (net, t) => {
    const server = t.owns(net.createServer());
    server.listen({ fd: 99_999 });
    const [error] = await t.event(server, "error");
    return t.shape(error);
  },
};
