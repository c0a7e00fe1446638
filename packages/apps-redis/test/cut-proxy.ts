/** A wire between two servers that can be cut, and lie cut. */
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";

export class CutProxy {
  private readonly sockets = new Set<Socket>();
  /** Whoever connects is left at once. */
  isDown = false;
  /** Connections there were. */
  connections = 0;

  private constructor(
    private readonly server: Server,
    private readonly target: number,
  ) {
    server.on("connection", (socket) => this.join(socket));
  }

  static async to(target: number): Promise<CutProxy> {
    const server = createServer();
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return new CutProxy(server, target);
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  private join(near: Socket): void {
    if (this.isDown) {
      near.destroy();
      return;
    }
    this.connections++;
    const far = connect(this.target, "127.0.0.1");
    for (const [one, other] of [
      [near, far],
      [far, near],
    ]) {
      this.sockets.add(one);
      one.on("error", () => {});
      one.on("close", () => {
        this.sockets.delete(one);
        other.destroy();
      });
      one.pipe(other);
    }
  }

  /** All connections end, and what is on its way is lost. */
  cut(): void {
    for (const socket of this.sockets) socket.resetAndDestroy();
  }

  async close(): Promise<void> {
    this.cut();
    this.server.close();
    await once(this.server, "close");
  }
}
