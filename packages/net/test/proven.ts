/** Programs of test/programs, in processes of their own, and the proof of which sockets carried what they sent. */
import { fileURLToPath } from "node:url";
import { type Ended, Program } from "../../apps-echo/test/program.js";

export const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
export const PACKAGE = here("..");
export const REGISTER = here("../dist/register.js");
export const PROOF = here("programs/proof.mjs");

/** What programs/proof.mjs counts. */
export interface Proof {
  kernelSockets: number;
  kernelServers: number;
  accepted: number;
  completed: number;
  backend?: string;
}

export interface Start {
  env?: NodeJS.ProcessEnv;
  args?: string[];
  /** Modules that are loaded first: register and the proof where nothing is said. */
  imports?: string[];
}

export function start(name: string, { env, args = [], imports = [REGISTER, PROOF] }: Start = {}): Program {
  const words = imports.flatMap((path) => ["--import", path]);
  return new Program(process.execPath, [...words, here(`programs/${name}`), ...args], { cwd: PACKAGE, env });
}

/** Until it has ended well. */
export async function run(name: string, how?: Start): Promise<Ended & { proof: Proof }> {
  const ended = await start(name, how).exited;
  const [proof] = proofsIn(ended);
  if (proof === undefined || ended.code !== 0) {
    throw new Error(`${name} ended with ${ended.code ?? ended.signal}\n${ended.stdout}\n${ended.stderr}`);
  }
  return { ...ended, proof };
}

/** One of each process. */
export const proofsIn = ({ stderr }: Ended): Proof[] =>
  [...stderr.matchAll(/^PROOF (.*)$/gm)].map(([, text]) => JSON.parse(text) as Proof);

export const linesOf = ({ stdout }: Ended): string[] => stdout.trim().split("\n");

/** By the headings that the program prints ("# name"): what each actor told, since only each one's order is certain. */
export function stepsOf(ended: Ended): Map<string, string[]> {
  const steps = new Map<string, string[]>();
  let lines: string[] = [];
  for (const line of linesOf(ended)) {
    if (!line.startsWith("# ")) {
      lines.push(line);
      continue;
    }
    lines = [];
    steps.set(line, lines);
  }
  const isServers = (line: string) => line.startsWith("server ");
  for (const [name, told] of steps) {
    steps.set(name, [...told.filter((line) => !isServers(line)), ...told.filter(isServers)]);
  }
  return steps;
}
