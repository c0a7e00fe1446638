/** Peers on the kernel's side of the wire: node:net and node:dgram in this process, programs beside it. */
import { spawn } from "node:child_process";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { connect, type Socket } from "node:net";

export const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

/** A connected socket of the kernel's. */
export async function dial(host: string, port: number): Promise<Socket> {
  const socket = connect({ host, port, noDelay: true });
  await once(socket, "connect");
  return socket;
}

/** Sends a text and reads as many bytes; the answer. */
export async function ask(socket: Socket, text: string): Promise<string> {
  let answer = "";
  const whole = new Promise<void>((resolve, reject) => {
    const heard = (data: Buffer) => {
      answer += data.toString("latin1");
      if (answer.length < text.length) return;
      socket.off("data", heard);
      resolve();
    };
    socket.on("data", heard);
    socket.once("error", reject);
    socket.once("close", () => reject(new Error(`closed after ${answer.length} of ${text.length} bytes`)));
  });
  socket.write(text, "latin1");
  await whole;
  return answer;
}

/** Sends one datagram and waits for one; undefined when none comes. */
export async function askDatagram(host: string, port: number, data: Buffer, wait = 1000): Promise<Buffer | undefined> {
  const socket = createSocket(host.includes(":") ? "udp6" : "udp4");
  try {
    const answer = new Promise<Buffer>((resolve) => socket.once("message", resolve));
    socket.send(data, port, host);
    return await Promise.race([answer, pause(wait).then(() => undefined)]);
  } finally {
    socket.close();
  }
}

/** Runs a shell line to its end, while this process goes on; what it printed. */
export async function shell(line: string): Promise<string> {
  const child = spawn("bash", ["-o", "pipefail", "-c", line], { stdio: ["ignore", "pipe", "pipe"] });
  let out = "";
  let err = "";
  child.stdout.on("data", (data) => {
    out += data;
  });
  child.stderr.on("data", (data) => {
    err += data;
  });
  const [code, signal] = await once(child, "close");
  if (code !== 0) throw new Error(`${line}: ${signal ?? code} ${err.trim() || out.trim()}`);
  return out;
}
