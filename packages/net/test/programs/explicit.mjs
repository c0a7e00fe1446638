// Without register: what is asked of this package goes through the libOS, and Node's own stays as it was. Told line by line.
import { once } from "node:events";
import { readFileSync } from "node:fs";
import http from "node:http";
import http2 from "node:http2";
import https from "node:https";
import nodeNet from "node:net";
import { join } from "node:path";
import tls from "node:tls";
import undici from "undici";
import { Agent, connect, connector, connectTLS, createTLSServer, HttpsAgent, open, serve } from "../../dist/index.js";

const read = (name) => readFileSync(join(process.argv[2], name));
const ca = read("ca.pem");
const secure = { key: read("server.key"), cert: read("server.pem") };
const host = "127.0.0.1";
const os = await open();
const say = (...words) => console.log(...words);

async function text(stream) {
  let all = "";
  stream.on("data", (bytes) => {
    all += bytes;
  });
  await once(stream, "end");
  return all;
}

async function serving(server, options = {}) {
  const listener = serve(server, { port: 0, host, ...options });
  await once(listener, "listening");
  return [listener, listener.address().port];
}

async function closing(listener) {
  listener.close();
  await once(listener, "close");
}

const steps = {
  async "http, served, by an agent"() {
    const server = http.createServer((request, response) =>
      response.end(`${request.url} ${request.socket.remoteAddress}`),
    );
    const [listener, port] = await serving(server);
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const sockets = new Set();
    for (const path of ["/a", "/b"]) {
      const request = http.get({ host, port, path, agent });
      request.on("socket", (socket) => sockets.add(socket));
      const [response] = await once(request, "response");
      say(await text(response), request.reusedSocket);
      // Into the agent's pool.
      await new Promise(setImmediate);
    }
    say(sockets.size, agent instanceof http.Agent);
    server.closeAllConnections();
    await closing(listener);
    agent.destroy();
  },

  async "https, served, by an agent that resumes"() {
    const server = https.createServer({ ...secure, maxVersion: "TLSv1.2" }, (request, response) => {
      response.end(`${request.socket.isSessionReused()} ${request.socket.remoteAddress}`);
    });
    const [listener, port] = await serving(server);
    const agent = new HttpsAgent({ ca });
    for (let i = 0; i < 2; i++) {
      const [response] = await once(https.get({ host: "localhost", family: 4, port, agent }), "response");
      say(await text(response));
    }
    const [error] = await once(https.get({ host, port, agent: new HttpsAgent() }), "error");
    say(error.code);
    server.closeAllConnections();
    await closing(listener);
  },

  async "http2, both"() {
    const answer = (request, response) => response.end(`${request.httpVersion} ${request.socket.remoteAddress}`);
    for (const server of [http2.createServer(answer), http2.createSecureServer(secure, answer)]) {
      const [listener, port] = await serving(server);
      const isSecure = server instanceof tls.Server;
      const session = http2.connect(`${isSecure ? "https" : "http"}://localhost:${port}`, {
        createConnection: () =>
          isSecure
            ? connectTLS({ host, port, ca, servername: "localhost", ALPNProtocols: ["h2"] })
            : connect(port, host),
      });
      await once(session, "connect");
      say(session.socket.remoteAddress, await text(session.request({ ":path": "/" })));
      session.close();
      await closing(listener);
    }
  },

  async tls() {
    const server = createTLSServer(secure, (socket) =>
      socket.end(`to ${socket.remoteAddress} by ${socket.getProtocol()}`),
    );
    server.listen(0, host);
    await once(server, "listening");
    const { port } = server.address();
    say(await text(connectTLS({ host, port, ca, servername: "localhost" })));
    say(await text(connectTLS(port, host, { ca, servername: "localhost" })), server instanceof tls.Server);
    await closing(server);
    const served = tls.createServer(secure, (socket) => socket.end("served"));
    const [listener, at] = await serving(served);
    say(await text(connectTLS(at, { host, ca, servername: "localhost" })));
    await closing(listener);
  },

  async undici() {
    const answer = (request, response) => response.end(`${request.url} ${request.socket.remoteAddress}`);
    const [listener, port] = await serving(http.createServer(answer));
    const [secureListener, securePort] = await serving(https.createServer(secure, answer));
    const agent = new undici.Agent({ connect: connector({ ca, family: 4 }) });
    for (const origin of [`http://${host}:${port}`, `https://localhost:${securePort}`]) {
      const { statusCode, body } = await undici.request(`${origin}/undici`, { dispatcher: agent });
      say(statusCode, await body.text());
    }
    await agent.close();
    const client = new undici.Client(`https://localhost:${securePort}`, { connect: connector({ family: 4 }) });
    await client.request({ path: "/", method: "GET" }).catch((error) => say(error.code));
    await client.destroy();
    await closing(listener);
    await closing(secureListener);
    const none = new undici.Client(`http://${host}:${port}`, { connect: connector() });
    await none.request({ path: "/", method: "GET" }).catch((error) => say(error.code));
    await none.destroy();
    // Who accepts, and says nothing: no TLS comes.
    const [silent, silentPort] = await serving(nodeNet.createServer((socket) => socket.on("error", () => {}).resume()));
    const waiting = new undici.Client(`https://${host}:${silentPort}`, { connect: connector({ timeout: 50 }) });
    await waiting.request({ path: "/", method: "GET" }).catch((error) => say(error.code, error.name));
    await waiting.destroy();
    await closing(silent);
  },

  async "closing, while somebody is there"() {
    const server = http.createServer(() => {});
    const [listener, port] = await serving(server, { noDelay: true });
    say(listener === server, server.listening, server.address().port === port);
    const socket = connect(port, host);
    socket.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    await once(server, "request");
    let isClosed = false;
    const told = new Promise((resolve) => server.close(resolve)).then((error) => {
      isClosed = true;
      say("closed", error);
    });
    const [refused] = await once(connect(port, host), "error");
    say(refused.code, isClosed, server.listening);
    server.closeAllConnections();
    await once(socket.resume(), "close");
    await told;
    const [taken, at] = await serving(http.createServer());
    const again = http.createServer();
    serve(again, { port: at, host });
    say((await once(again, "error"))[0].code, again.listening);
    await closing(taken);
  },

  async "beside the kernel"() {
    const server = http.createServer((_, response) => response.end("both")).listen(0, host);
    await once(server, "listening");
    const [listener, port] = await serving(server);
    say(listener === server);
    for (const at of [port, server.address().port]) {
      const [response] = await once(http.get({ host, port: at, agent: false }), "response");
      say(await text(response));
    }
    await closing(listener);
    say(server.listening);
    await closing(server);
  },

  async "what is Node's"() {
    const server = nodeNet.createServer((socket) => socket.end("kernel")).listen(0, host);
    await once(server, "listening");
    const before = os.stats().completed;
    say(await text(nodeNet.connect(server.address().port, host)), os.stats().completed - before);
    server.close();
  },
};

for (const [name, step] of Object.entries(steps)) {
  say(`# ${name}`);
  await step();
}
