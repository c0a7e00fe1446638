/** Frames that get lost, doubled and put out of order below the stack, from a seed that is printed; what is sent over them. */
import { createHash } from "node:crypto";
import type { Socket } from "node:net";
import { freshSeed, seededRandom } from "@demikernel/bench";

export const seed = process.env.DEMI_SEED === undefined ? freshSeed() : Number(process.env.DEMI_SEED);
export const faults = `drop=0.01,duplicate=0.01,reorder=0.02,seed=${seed}`;
process.stderr.write(`loss: DEMI_SEED=${seed}\n`);

/** Bytes without a period, the same for the same seed. */
export function data(bytes: number, own: number): Buffer {
  const random = seededRandom(seed ^ own);
  const out = Buffer.alloc(bytes);
  for (let i = 0; i < bytes; i++) out[i] = random() * 256;
  return out;
}

export const hash = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");

/** Writes all, and reads as many bytes back. */
export async function echoed(socket: Pick<Socket, "write" | "on">, sent: Buffer): Promise<Buffer> {
  const parts: Buffer[] = [];
  let got = 0;
  const all = new Promise<void>((resolve, reject) => {
    socket.on("data", (part: Buffer) => {
      parts.push(part);
      got += part.length;
      if (got >= sent.length) resolve();
    });
    socket.on("error", reject);
    socket.on("close", () => reject(new Error(`closed after ${got} of ${sent.length} bytes`)));
  });
  socket.write(sent);
  await all;
  return Buffer.concat(parts);
}
