/** Clients by TLS beside those without: redis-cli and ioredis, certificates of clients, what is wrong with any of it, and replies that wait for the disk. */
import { spawnSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { connect as plain } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, type TLSSocket } from "node:tls";
import { fileURLToPath } from "node:url";
import { Redis } from "ioredis";
import { makeCertificates } from "../../net/test/certificates.js";
import { DemiRedis, freePort } from "./demi-redis.js";
import { eventually } from "./eventually.js";
import { lackingClient, unlessLacking } from "./skipping.js";

const PROGRAM = fileURLToPath(new URL("../dist/cli.js", import.meta.url));
let folder: string;
let port: number;
let server: DemiRedis;
const file = (name: string): string => join(folder, name);
const OPTIONS = () => [
  "--tls-cert-file",
  file("server.pem"),
  "--tls-key-file",
  file("server.key"),
  "--tls-ca-cert-file",
  file("ca.pem"),
];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "demi-redis-tls-"));
  makeCertificates(folder);
  port = await freePort();
  server = await DemiRedis.startIn(process.cwd(), "--tls-port", String(port), "--dir", folder, ...OPTIONS());
});
afterAll(async () => {
  await server?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const cli = (...words: string[]) =>
  spawnSync("redis-cli", ["-p", String(port), "--tls", "--cacert", file("ca.pem"), ...words], {
    encoding: "utf8",
    timeout: 20_000,
  });
const identity = (): string[] => ["--cert", file("client.pem"), "--key", file("client.key")];

unlessLacking(lackingClient("redis-cli"), "redis-cli by TLS", () => {
  test("speaks to the same dataset as who comes without, if it has a certificate", async () => {
    expect(cli(...identity(), "set", "by", "tls").stdout).toBe("OK\n");
    expect(await server.call([["GET", "by"]])).toEqual(["tls"]);
    const none = cli("ping");
    expect(none.stdout).toBe("");
    expect(none.stderr).toMatch(/certificate|closed|reset/i);
    await server.call([["CONFIG", "SET", "tls-auth-clients", "no"]]);
    await eventually("who has no certificate is let in", async () => cli("get", "by").stdout === "tls\n");
    await server.call([["CONFIG", "SET", "tls-auth-clients", "yes"]]);
  });
});

test("ioredis: pipelines, large values both ways, messages, and memory that comes back", async () => {
  const tls = { port, host: "127.0.0.1" };
  const own = {
    ca: [certificate("ca.pem")],
    cert: certificate("client.pem"),
    key: certificate("client.key"),
    checkServerIdentity: () => undefined,
  };
  const redis = new Redis({ ...tls, tls: own });
  const listener = new Redis({ ...tls, tls: own });
  const large = "x".repeat(3_000_000);
  await redis.set("large", large);
  expect(await redis.get("large")).toBe(large);
  const pipeline = redis.pipeline();
  for (let i = 0; i < 5000; i++) pipeline.incr("n");
  const replies = (await pipeline.exec()) ?? [];
  expect(replies[4999]).toEqual([null, 5000]);
  const heard = new Promise((resolve) => listener.once("message", (_, message) => resolve(message)));
  await listener.subscribe("news");
  await redis.publish("news", "by TLS");
  expect(await heard).toBe("by TLS");
  const list = String(await redis.client("LIST"));
  expect(
    list.split("\n").filter((line) => /addr=127\.0\.0\.1:\d+ laddr=127\.0\.0\.1:/.test(line)).length,
  ).toBeGreaterThanOrEqual(3);
  redis.disconnect();
  listener.disconnect();
  await eventually("the server has left them", async () =>
    /connected_clients:1\r/.test(String(await server.client.send("INFO", "clients"))),
  );
}, 60_000);

function certificate(name: string): string {
  return readFileSync(file(name), "utf8");
}

test("a handshake that is none, or never ends, is nobody's trouble, and counts among nobody", async () => {
  const before = String(await server.client.send("INFO", "clients"));
  const ends = [];
  for (const bytes of ["PING\r\n", "\x16\x03\x01\xff\xff", "", "GET / HTTP/1.1\r\n\r\n"]) {
    const socket = plain(port, "127.0.0.1");
    socket.on("error", () => {});
    ends.push(new Promise((resolve) => socket.once("close", resolve)));
    socket.write(bytes, "latin1");
    setTimeout(() => socket.destroy(), 300);
  }
  await Promise.all(ends);
  expect(String(await server.client.send("INFO", "clients"))).toBe(before);
});

test("more clients than may be are told so, by TLS too", async () => {
  await server.call([["CONFIG", "SET", "maxclients", "1"]]);
  const socket: TLSSocket = connect({
    port,
    host: "127.0.0.1",
    ca: certificate("ca.pem"),
    cert: certificate("client.pem"),
    key: certificate("client.key"),
    checkServerIdentity: () => undefined,
  });
  let told = "";
  socket.on("data", (bytes) => {
    told += bytes;
  });
  await new Promise((resolve) => socket.once("close", resolve));
  expect(told).toBe("-ERR max number of clients reached\r\n");
  await server.call([["CONFIG", "SET", "maxclients", "100"]]);
  expect(String(await server.client.send("INFO", "clients"))).toMatch(/connected_clients:1\r/);
});

test("what is wrong with certificates is said, at the start and by CONFIG SET; the port is changed while it runs", async () => {
  const [refused] = await server.call([["CONFIG", "SET", "tls-cert-file", file("nothing.pem")]]);
  expect(String(refused)).toMatch(/Unable to update TLS configuration/);
  await server.call([["CONFIG", "SET", "tls-cert-file", file("server.pem")]]);
  // A file that is there, and no certificate.
  const [none] = await server.call([["CONFIG", "SET", "tls-cert-file", file("server.key")]]);
  expect(String(none)).toMatch(/Unable to update TLS configuration/);
  const other = await freePort();
  // Several at once: the port is taken once.
  const set = ["tls-port", String(other), "tls-auth-clients", "yes", "tls-session-cache-timeout", "200"];
  expect(await server.call([["CONFIG", "SET", ...set]])).toEqual(["OK"]);
  port = other;
  await eventually("the new port", async () => cli(...identity(), "ping").stdout === "PONG\n");
  for (const [words, why] of [
    [["--tls-cert-file", file("server.pem")], /tls-cert-file and tls-key-file are needed/],
    [
      ["--tls-cert-file", file("server.pem"), "--tls-key-file", file("server.key")],
      /tls-ca-cert-file or tls-ca-cert-dir is needed/,
    ],
    [[...OPTIONS(), "--tls-protocols", "SSLv2"], /sslv2 is none of TLSv1/],
    [
      ["--tls-cert-file", file("no.pem"), "--tls-key-file", file("server.key"), "--tls-auth-clients", "no"],
      /tls-cert-file: ENOENT/,
    ],
  ] as const) {
    const program = ["server", "--port", "0", "--tls-port", String(await freePort()), ...words];
    const { status, stderr } = spawnSync(process.execPath, [PROGRAM, ...program], {
      encoding: "utf8",
      timeout: 20_000,
    });
    expect(stderr).toMatch(why);
    expect(status).toBe(1);
  }
});

test("a port is by TLS or not as CONFIG SET says, from one command to the next", async () => {
  const [[, own]] = (await server.call([["CONFIG", "GET", "port"]])) as [[string, string]];
  const set = (name: string, value: string): string[] => ["CONFIG", "SET", name, value];
  expect(await server.call([set("tls-port", "0"), set("port", String(port))])).toEqual(["OK", "OK"]);
  const socket = plain(port, "127.0.0.1");
  socket.end("PING\r\n");
  let told = "";
  for await (const bytes of socket) told += bytes;
  expect(told).toBe("+PONG\r\n");
  expect(await server.call([set("port", own), set("tls-port", String(port))])).toEqual(["OK", "OK"]);
  await eventually("TLS again", async () => cli(...identity(), "ping").stdout === "PONG\n");
});

test("a certificate that was renewed under its name is taken when it is set again", async () => {
  const live = (kind: "pem" | "key"): string => file(`live.${kind}`);
  const set = ["CONFIG", "SET", "tls-cert-file", live("pem"), "tls-key-file", live("key"), "tls-auth-clients", "no"];
  const shown = (): Promise<string> =>
    new Promise((resolve, reject) => {
      const socket = connect({ port, host: "127.0.0.1", rejectUnauthorized: false }, () => {
        resolve(String(socket.getPeerCertificate().subject.CN));
        socket.destroy();
      });
      socket.on("error", reject);
    });
  const seen = [];
  for (const name of ["server", "client"]) {
    copyFileSync(file(`${name}.pem`), live("pem"));
    copyFileSync(file(`${name}.key`), live("key"));
    expect(await server.call([set])).toEqual(["OK"]);
    const of = new X509Certificate(certificate(`${name}.pem`)).subject.replace(/^CN=/, "");
    await eventually(`the certificate of ${of}`, async () => (await shown()) === of);
    seen.push(of);
  }
  expect(new Set(seen).size).toBe(2);
});

test("with appendfsync always replies by TLS wait for the disk, too", async () => {
  const tlsPort = await freePort();
  const own = await DemiRedis.start(
    "--tls-port",
    String(tlsPort),
    "--dir",
    folder,
    "--appendonly",
    "yes",
    "--appendfsync",
    "always",
    ...OPTIONS(),
  );
  try {
    const redis = new Redis({
      port: tlsPort,
      host: "127.0.0.1",
      tls: {
        ca: [certificate("ca.pem")],
        cert: certificate("client.pem"),
        key: certificate("client.key"),
        checkServerIdentity: () => undefined,
      },
    });
    for (let i = 1; i <= 200; i++) expect(await redis.incr("n")).toBe(i);
    redis.disconnect();
    await own.kill();
    const again = await DemiRedis.start("--dir", folder, "--appendonly", "yes");
    try {
      expect(await again.call([["GET", "n"]])).toEqual(["200"]);
    } finally {
      await again.stop();
    }
  } finally {
    await own.stop();
  }
});
