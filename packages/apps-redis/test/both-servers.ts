/** Our server and Debian's redis-server on free ports, and clients of both that keep each reply as the bytes it came in. */
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";

import { spawnRedis } from "./redis-program.js";

const CLI = fileURLToPath(new URL("../dist/cli.js", import.meta.url));
const RESP_LINES = "+-:,_#(";
const RESP_TEXTS = "$=!";

/** A connection; replies as latin1 text, whole. */
export class RawClient {
  private text = "";
  private readonly waiting: ((reply: string) => void)[] = [];

  private constructor(readonly socket: Socket) {
    socket.on("data", (bytes) => {
      this.text += bytes.toString("latin1");
      let at = 0;
      for (let end = endOf(this.text, at); end > 0; end = endOf(this.text, at)) {
        this.waiting.shift()?.(this.text.slice(at, end));
        at = end;
      }
      this.text = this.text.slice(at);
    });
  }

  static async open(port: number): Promise<RawClient> {
    for (let tries = 0; ; tries++) {
      const socket = connect(port, "127.0.0.1");
      const isThere = await Promise.race([
        once(socket, "connect").then(() => true),
        once(socket, "error").then(() => false),
      ]).catch(() => false);
      if (isThere) return new RawClient(socket);
      if (tries === 200) throw new Error(`nobody answers on port ${port}`);
      await pause(20);
    }
  }

  send(...words: readonly (string | number)[]): Promise<string> {
    const parts = words.map((word) => `$${String(word).length}\r\n${word}\r\n`);
    this.socket.write(Buffer.from(`*${words.length}\r\n${parts.join("")}`, "latin1"));
    return new Promise((resolve) => this.waiting.push(resolve));
  }

  close(): void {
    this.socket.destroy();
  }
}

/** Where the reply that begins at `at` ends; 0: it is not whole. */
function endOf(text: string, at: number): number {
  const line = text.indexOf("\r\n", at);
  if (line < 0) return 0;
  const kind = text[at];
  const end = line + 2;
  if (RESP_LINES.includes(kind)) return end;
  const count = Number(text.slice(at + 1, line));
  if (count < 0) return end;
  if (RESP_TEXTS.includes(kind)) return text.length < end + count + 2 ? 0 : end + count + 2;
  let next = end;
  for (let n = kind === "%" ? count * 2 : count; n > 0; n--) {
    next = endOf(text, next);
    if (next === 0) return 0;
  }
  return next;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, "close");
  return port;
}

export class BothServers {
  private constructor(
    private readonly children: ChildProcess[],
    readonly ports: readonly number[],
  ) {}

  static async start(): Promise<BothServers> {
    const ports = [await freePort(), await freePort()];
    const children = [
      spawn(process.execPath, [CLI, "server", "--port", String(ports[0])], { stdio: ["ignore", "ignore", "inherit"] }),
      spawnRedis(["--port", String(ports[1]), "--save", ""]),
    ];
    return new BothServers(children, ports);
  }

  /** A client of ours and one of redis-server. */
  async clients(): Promise<[RawClient, RawClient]> {
    return [await RawClient.open(this.ports[0]), await RawClient.open(this.ports[1])];
  }

  async stop(): Promise<void> {
    for (const child of this.children) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      child.kill();
      await once(child, "exit");
    }
  }
}

/** A command without an answer for this long has none. */
const PATIENCE = 10_000;

/** The replies to all; without one for too long, an error that names the command. */
async function sendAll(client: RawClient, commands: readonly (readonly string[])[]): Promise<string[]> {
  const replies: string[] = [];
  const all = Promise.all(commands.map(async (command) => replies.push(await client.send(...command))));
  const late = new AbortController();
  const missing = pause(PATIENCE, undefined, { signal: late.signal }).then(
    () => Promise.reject(new Error(`no reply to ${JSON.stringify(commands[replies.length])}`)),
    () => {},
  );
  await Promise.race([all, missing]);
  late.abort();
  return replies;
}

/** Sends the same to both, and expects the same replies to the byte, or what `normal` makes of them. */
export async function expectSame(
  clients: readonly [RawClient, RawClient],
  commands: readonly (readonly string[])[],
  normal: (reply: string, command: readonly string[]) => unknown = (reply) => reply,
): Promise<void> {
  const [ours, theirs] = await Promise.all(clients.map((client) => sendAll(client, commands)));
  for (const [i, command] of commands.entries()) {
    const shown = command.map((word) => word.slice(0, 80));
    expect({ i, command: shown, reply: normal(ours[i], command) }).toEqual({
      i,
      command: shown,
      reply: normal(theirs[i], command),
    });
  }
}
