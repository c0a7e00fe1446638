/** The oracle's connection to a server that refuses everything because it loads: that is told at once, and not after a minute of nothing. */
import { once } from "node:events";
import { type AddressInfo, createServer } from "node:net";
import { Peer } from "./oracle/peer.mjs";

test("a server that is loading is not waited for", async () => {
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.once("data", () => socket.write("-LOADING the dataset\r\n".repeat(3)));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const peer = new Peer("a server", String((server.address() as AddressInfo).port));
  try {
    await expect(peer.send([["PING"]])).rejects.toThrow("a server: it is loading its dataset");
  } finally {
    peer.end();
    server.close();
  }
});
