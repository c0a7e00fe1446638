/** INFO: sections of fields, as Redis names them. */
import type { Call } from "../../server/call.js";
import { SECTIONS } from "./info-sections.js";

/** By the names that can be asked for; the order in which they come. */
const ORDER = Object.keys(SECTIONS);
const NOT_BY_DEFAULT = new Set(["commandstats", "latencystats", "libos"]);

export function info({ args, reply, server }: Call): void {
  const wanted = new Set<string>();
  for (const asked of args.count === 1 ? ["default"] : args.texts(1)) {
    const name = asked.toLowerCase();
    if (name === "default") for (const one of ORDER) NOT_BY_DEFAULT.has(one) || wanted.add(one);
    else if (name === "all") for (const one of ORDER) one === "modules" || one === "libos" || wanted.add(one);
    else if (name === "everything") for (const one of ORDER) wanted.add(one);
    else wanted.add(name);
  }
  const sections: string[] = [];
  for (const [name, section] of Object.entries(SECTIONS)) {
    if (!wanted.has(name)) continue;
    const lines = Object.entries(section.fields(server)).map(([field, value]) => `${field}:${value}\r\n`);
    sections.push(`# ${section.title}\r\n${lines.join("")}`);
  }
  reply.verbatim("txt", sections.join("\r\n"));
}
