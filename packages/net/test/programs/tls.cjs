// What users of node:tls see, told line by line: with and without register it must be the same.
const { once } = require("node:events");
const { readFileSync } = require("node:fs");
const http2 = require("node:http2");
const https = require("node:https");
const net = require("node:net");
const { join } = require("node:path");
const tls = require("node:tls");

const read = (name) => readFileSync(join(process.argv[2], name));
const ca = read("ca.pem");
const key = read("server.key");
const cert = read("server.pem");
const mine = { key: read("client.key"), cert: read("client.pem") };
const host = "127.0.0.1";
const say = (...words) => console.log(...words);

async function listen(server) {
  server.listen(0, host);
  await once(server, "listening");
  return server.address().port;
}

/** To its end, which does not end the stream's other half. */
async function text(stream) {
  let all = "";
  stream.on("data", (bytes) => {
    all += bytes;
  });
  await once(stream, "end");
  return all;
}

/** Its arguments; an error is somebody else's. */
const closed = (emitter) => new Promise((resolve) => emitter.once("close", (...args) => resolve(args)));

async function close(server) {
  server.close();
  await once(server, "close");
}

const steps = {
  async "both certificates, names, ALPN"() {
    const server = tls.createServer({ key, cert, ca, requestCert: true, ALPNProtocols: ["b", "a"] }, (socket) => {
      say("server", socket.authorized, socket.getPeerCertificate().subject.CN, socket.alpnProtocol, socket.servername);
      say(
        "server",
        socket.remoteAddress,
        socket.remoteFamily,
        socket.remotePort > 0,
        socket.localAddress,
        socket.encrypted,
      );
      say(
        "server",
        socket.address().address,
        socket.address().port === server.address().port,
        socket.connecting,
        socket.pending,
      );
      socket.pipe(socket);
    });
    const port = await listen(server);
    const client = tls.connect({ port, host, ca, ...mine, servername: "localhost", ALPNProtocols: ["a", "c"] });
    for (const event of ["lookup", "connect", "ready", "secureConnect", "session", "end", "close"]) {
      client.on(event, (first) => say("client", event, Buffer.isBuffer(first) ? "bytes" : first));
    }
    say(
      client.connecting,
      client.pending,
      client.readyState,
      client instanceof net.Socket,
      client instanceof tls.TLSSocket,
    );
    await once(client, "secureConnect");
    say(
      client.connecting,
      client.pending,
      client.readyState,
      client.authorized,
      client.alpnProtocol,
      client.getProtocol(),
    );
    say(client.remoteAddress, client.remotePort === port, client.localAddress, client.getPeerCertificate().subject.CN);
    say(
      client.setNoDelay() === client,
      client.setKeepAlive(true, 1000) === client,
      client.unref() === client,
      client.ref() === client,
    );
    const ended = closed(client);
    client.end("hello");
    say(await text(client), client.bytesRead > 5, client.bytesWritten);
    // Its last event belongs to this step, whichever end is told first.
    await ended;
    await close(server);
  },

  async "certificates that do not fit"() {
    const server = tls.createServer({ key, cert }, (socket) => socket.resume());
    server.on("tlsClientError", (error) => say("server", error.code));
    const port = await listen(server);
    for (const options of [{ servername: "other.example", ca }, { servername: "localhost" }]) {
      const client = tls.connect({ port, host, ...options });
      const ended = closed(client);
      const [error] = await once(client, "error");
      say(error.code, client.authorized, String(client.authorizationError));
      say("close", ...(await ended));
    }
    const client = tls.connect({ port, host, rejectUnauthorized: false });
    await once(client, "secureConnect");
    say(client.authorized, client.authorizationError);
    client.end();
    await closed(client.resume());
    await close(server);
  },

  async "a client without a certificate"() {
    const server = tls.createServer({
      key,
      cert,
      ca,
      requestCert: true,
      rejectUnauthorized: true,
      maxVersion: "TLSv1.2",
    });
    server.on("tlsClientError", (error, socket) => say("server", error.code, socket instanceof tls.TLSSocket));
    const port = await listen(server);
    const client = tls.connect({ port, host, ca, servername: "localhost" });
    const [error] = await once(client, "error");
    say(error.code !== undefined);
    await close(server);
  },

  async "a session that is resumed"() {
    const server = tls.createServer({ key, cert, maxVersion: "TLSv1.2" }, (socket) => socket.end("x"));
    const port = await listen(server);
    let session;
    for (let i = 0; i < 2; i++) {
      const client = tls.connect({ port, host, ca, servername: "localhost", session });
      client.on("session", (made) => {
        session = made;
      });
      await once(client, "secureConnect");
      say(client.isSessionReused());
      say(await text(client));
    }
    await close(server);
  },

  async "names that choose certificates"() {
    const server = tls.createServer(
      {
        key,
        cert,
        SNICallback: (name, done) => {
          say("asked for", name);
          done(null, tls.createSecureContext(mine));
        },
      },
      (socket) => socket.end(),
    );
    const port = await listen(server);
    const client = tls.connect({ port, host, servername: "chosen.example", rejectUnauthorized: false });
    await once(client, "secureConnect");
    say(client.getPeerCertificate().subject.CN);
    client.resume();
    await closed(client);
    await close(server);
  },

  async "a half that is closed"() {
    const server = tls.createServer({ key, cert, allowHalfOpen: true }, async (socket) => {
      say("server got", await text(socket));
      socket.end("an answer behind the end");
    });
    const port = await listen(server);
    const client = tls.connect({ port, host, ca, servername: "localhost", allowHalfOpen: true });
    client.end("a question");
    say("client got", await text(client));
    await close(server);
  },

  async "who speaks no TLS"() {
    const server = tls.createServer({ key, cert });
    const told = once(server, "tlsClientError");
    const port = await listen(server);
    const client = net.connect(port, host, () => client.write("GET / HTTP/1.1\r\n\r\n"));
    client.on("error", () => {});
    client.resume();
    const [error] = await told;
    say(error.code);
    await closed(client);
    await close(server);
  },

  async "who goes before the handshake"() {
    const server = tls.createServer({ key, cert });
    const told = once(server, "tlsClientError");
    const port = await listen(server);
    const client = net.connect(port, host, () => client.end());
    client.resume();
    const [error] = await told;
    say(error.code, error.message);
    await close(server);
    const plain = net.createServer((socket) => socket.resume().end());
    const at = await listen(plain);
    const [failed] = await once(tls.connect({ port: at, host }), "error");
    say(failed.code, failed.message, failed.host);
    await close(plain);
  },

  async "a handshake that takes too long"() {
    const server = tls.createServer({ key, cert, handshakeTimeout: 50 });
    const told = once(server, "tlsClientError");
    const port = await listen(server);
    const client = net.connect(port, host);
    const [error, socket] = await told;
    say(error.code);
    socket.destroy();
    await closed(client.resume());
    await close(server);
  },

  async "renegotiation that is not wanted"() {
    const server = tls.createServer({ key, cert, maxVersion: "TLSv1.2" }, (socket) => {
      socket.disableRenegotiation();
      socket.on("error", (error) => {
        say("server", error.code);
        socket.destroy();
      });
      socket.resume();
    });
    const port = await listen(server);
    const client = tls.connect({ port, host, ca, servername: "localhost" });
    await once(client, "secureConnect");
    client.on("error", () => {});
    client.resume();
    client.renegotiate({}, () => {});
    await closed(client);
    await close(server);
  },

  async "where nobody listens"() {
    const probe = net.createServer();
    const port = await listen(probe);
    await close(probe);
    const client = tls.connect({ port, host });
    client.on("close", (hadError) => say("close", hadError));
    const [error] = await once(client, "error");
    say(error.code, error.syscall, error.address, error.port === port);
    await closed(client);
    const named = tls.connect({
      port,
      host: "nonesuch.invalid",
      lookup: (_, __, done) => done(new Error("no such name")),
    });
    say((await once(named, "error"))[0].message);
  },

  async "much, both ways"() {
    const much = Buffer.alloc(3_000_000, "0123456789");
    const server = tls.createServer({ key, cert }, (socket) => socket.pipe(socket));
    const port = await listen(server);
    const client = tls.connect({ port, host, ca, servername: "localhost" });
    client.end(much);
    const parts = [];
    for await (const bytes of client) parts.push(bytes);
    say(Buffer.concat(parts).equals(much));
    await close(server);
  },

  async "into a buffer of the user's"() {
    const server = tls.createServer({ key, cert }, (socket) => socket.end("0123456789"));
    const port = await listen(server);
    const buffer = Buffer.alloc(4);
    let all = "";
    let isStopped = false;
    const onread = {
      buffer,
      callback(bytes, into) {
        all += into.toString("latin1", 0, bytes);
        if (isStopped) return true;
        isStopped = true;
        setImmediate(() => client.resume());
        return false;
      },
    };
    const client = tls.connect({ port, host, ca, servername: "localhost", onread });
    client.on("data", () => say("data, which there must not be"));
    await closed(client);
    say(all, isStopped);
    await close(server);
  },

  async times() {
    const server = tls.createServer({ key, cert }, (socket) => socket.resume());
    const port = await listen(server);
    const client = tls.connect({ port, host, ca, servername: "localhost", timeout: 100 });
    await once(client, "timeout");
    say(client.timeout);
    client.destroy();
    await closed(client);
    await close(server);
  },

  async "over a socket of the user's"() {
    const server = tls.createServer({ key, cert }, (socket) => socket.end("over"));
    const port = await listen(server);
    const socket = net.connect(port, host);
    const client = tls.connect({ socket, ca, servername: "localhost" });
    say(await text(client), client.remoteAddress === undefined || client.remoteAddress === host);
    const connected = net.connect(port, host);
    await once(connected, "connect");
    say(await text(tls.connect({ socket: connected, ca, servername: "localhost" })));
    await close(server);
  },

  async "https, and its agent"() {
    const server = https.createServer({ key, cert, maxVersion: "TLSv1.2" }, (request, response) => {
      response.end(`${request.socket.remoteAddress} ${request.socket.isSessionReused()}`);
    });
    const port = await listen(server);
    const agent = new https.Agent({ ca });
    for (let i = 0; i < 2; i++) {
      const [response] = await once(https.get({ port, host: "localhost", family: 4, agent }), "response");
      say(response.statusCode, await text(response));
    }
    const [response] = await once(https.get({ port, host, agent: false, rejectUnauthorized: false }), "response");
    say(response.socket.authorized, await text(response));
    server.close();
    server.closeAllConnections();
    await once(server, "close");
  },

  async "http2, with TLS and without"() {
    const answer = (request, response) => {
      response.end(`${request.url} ${request.httpVersion} ${request.socket.remoteAddress} ${request.socket.encrypted}`);
    };
    const servers = [http2.createSecureServer({ key, cert, allowHTTP1: true }, answer), http2.createServer(answer)];
    for (const [i, server] of servers.entries()) {
      const port = await listen(server);
      const session = http2.connect(`${i === 0 ? "https" : "http"}://${i === 0 ? "localhost" : host}:${port}`, {
        ca,
        family: 4,
      });
      await once(session, "connect");
      say(session.alpnProtocol, session.encrypted, session.socket.remoteAddress, session.socket.remotePort === port);
      const stream = session.request({ ":path": "/two" });
      say(await text(stream));
      if (i === 0) {
        const [response] = await once(https.get({ port, host: "localhost", family: 4, ca, agent: false }), "response");
        say(await text(response));
      }
      session.close();
      await close(server);
    }
  },
};

async function main() {
  for (const [name, step] of Object.entries(steps)) {
    say(`# ${name}`);
    await step();
  }
}
main();
