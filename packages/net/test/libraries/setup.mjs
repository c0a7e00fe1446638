/**
 * How a scenario's sockets are made: "node" (the control: node:net alone), "explicit" (@demikernel/net by its API on both sides), "served"
 * (servers by its API, clients by node:net), "register" (node:net's names, with @demikernel/net/register loaded before).
 */
import http from "node:http";
import nodeNet from "node:net";

export async function setUp(mode) {
  if (mode === "node") return new Plain(mode);
  if (mode === "register") {
    // What register has opened: the module of its that knows.
    const { openStack } = await import("../../dist/stack.js");
    const plain = new Plain(mode);
    plain.os = openStack().os;
    return plain;
  }
  const { open, ...net } = await import("@demikernel/net");
  const os = await open({ libos: process.env.LIBOS ?? "posix" });
  return new Explicit(mode, net, os);
}

/** Libraries as they are: whatever node:net is, they use it. */
class Plain {
  net = nodeNet;
  clientNet = nodeNet;
  /** Options for a library's client. */
  socketOptions = {};
  os = undefined;

  constructor(mode) {
    this.mode = mode;
  }

  agent(options) {
    return new http.Agent(options);
  }

  /** Has a server that exists listen on a port of 127.0.0.1: its port, and how to end that. */
  async listen(server, port = 0) {
    await listening(server, (done) => server.listen(port, "127.0.0.1", done));
    return { port: server.address().port, close: () => new Promise((resolve) => server.close(resolve)) };
  }
}

class Explicit {
  constructor(mode, net, os) {
    this.mode = mode;
    this.net = net;
    this.os = os;
    this.clientNet = mode === "served" ? nodeNet : net;
    const { clientNet } = this;
    this.socketOptions = mode === "served" ? {} : { createConnection: (options) => clientNet.connect(options) };
  }

  agent(options) {
    return this.mode === "served" ? new http.Agent(options) : new this.net.Agent(options);
  }

  async listen(server, port = 0) {
    await listening(server, (done) => this.net.serve(server, { port, host: "127.0.0.1" }, done));
    return { port: server.address().port, close: () => new Promise((resolve) => server.close(resolve)) };
  }
}

function listening(server, begin) {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    begin(() => {
      server.off("error", reject);
      resolve();
    });
  });
}
