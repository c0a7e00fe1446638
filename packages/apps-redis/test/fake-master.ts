/** A master that says what a test wants. */
import { once } from "node:events";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";

/** Of its history. */
export const ID = "a".repeat(40);

/** Answers the handshake as a master does up to PSYNC, and that with what a test says. */
export class FakeMaster {
  private readonly sockets = new Set<Socket>();
  /** What it was sent, of all connections. */
  heard = "";
  connections = 0;
  /** Connections that the server has left. */
  left = 0;
  answer: (socket: Socket) => void = () => {};

  private constructor(private readonly server: Server) {
    server.on("connection", (socket) => {
      this.connections++;
      this.sockets.add(socket);
      socket.on("close", () => {
        this.left++;
        this.sockets.delete(socket);
      });
      socket.on("error", () => {});
      socket.on("data", (bytes) => {
        const text = bytes.toString("latin1");
        this.heard += text;
        for (const [, name] of text.matchAll(/\*\d+\r\n\$\d+\r\n(\w+)\r\n/g)) {
          if (name === "PSYNC") this.answer(socket);
          else if (name !== "REPLCONF" || !text.includes("\r\nACK\r\n")) socket.write("+OK\r\n");
        }
      });
    });
  }

  static async start(): Promise<FakeMaster> {
    const server = createServer();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return new FakeMaster(server);
  }

  get port(): string {
    return String((this.server.address() as AddressInfo).port);
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    this.server.close();
    await once(this.server, "close");
  }
}
