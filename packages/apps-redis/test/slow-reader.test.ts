/** A client that reads nothing for a while is told all, however short the pieces are and however many. */
import { connect, type Socket } from "node:net";
import { DemiRedis } from "./demi-redis.js";
import { eventually } from "./eventually.js";

/** More than the kernel takes for a connection that nobody reads from; less than what is too much for a subscriber. */
const LARGE = "l".repeat(16 * 1024 * 1024);
/** Each is a push of its own: more than a queue has. */
const COUNT = 3000;
const LIMIT = ["--client-output-buffer-limit", "pubsub 0 0 0"];

const sockets: Socket[] = [];
let server: DemiRedis;
beforeAll(async () => {
  server = await DemiRedis.start(...LIMIT);
});
afterAll(() => server.stop());
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy();
  await eventually("they are gone", async () =>
    /connected_clients:1\r/.test(String((await server.call([["INFO"]]))[0])),
  );
});

async function subscriber(): Promise<Socket> {
  const socket = connect(server.port, "127.0.0.1");
  sockets.push(socket);
  const subscribed = new Promise((resolve) => socket.once("data", resolve));
  socket.write("SUBSCRIBE c\r\n");
  await subscribed;
  return socket.pause();
}

/** All that comes, until so many bytes have or it ends. */
function read(socket: Socket, bytes: number): Promise<string> {
  const pieces: Buffer[] = [];
  let length = 0;
  return new Promise((resolve) => {
    const done = (): void => resolve(Buffer.concat(pieces).toString("latin1"));
    socket.once("close", done);
    socket.on("data", (piece: Buffer) => {
      pieces.push(piece);
      length += piece.length;
      if (length >= bytes) done();
    });
    socket.resume();
  });
}

const message = (text: string): string => `*3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$${text.length}\r\n${text}\r\n`;

test("short ones behind a large one", async () => {
  const socket = await subscriber();
  const texts = [LARGE, ...Array.from({ length: COUNT }, (_, i) => String(i))];
  expect(await server.call(texts.map((text) => ["PUBLISH", "c", text]))).toEqual(texts.map(() => 1));
  const wanted = texts.map(message).join("");
  expect((await read(socket, wanted.length)) === wanted).toBe(true);
});

test("short ones alone: the kernel's buffers are full, and then they are many", async () => {
  const socket = await subscriber();
  const large = LARGE.slice(0, LARGE.length / 4);
  const outputs = async (): Promise<string> => String((await server.call([["CLIENT", "LIST", "TYPE", "pubsub"]]))[0]);
  const texts: string[] = [];
  const publish = async (...some: string[]): Promise<void> => {
    expect(await server.call(some.map((text) => ["PUBLISH", "c", text]))).toEqual(some.map(() => 1));
    texts.push(...some);
  };
  // What waits in the server is little, and more than what the kernel takes at once.
  while (/ obl=0 oll=0 omem=0 /.test(await outputs())) await publish(large.slice(0, 128 * 1024));
  for (let i = 0; i < COUNT; i += 100) await publish(...Array.from({ length: 100 }, (_, j) => String(i + j)));
  const wanted = texts.map(message).join("");
  expect((await read(socket, wanted.length)) === wanted).toBe(true);
});
