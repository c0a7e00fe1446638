/** Increments that no manifest names: of a file that was begun anew and had no base yet when its process ended, or nobody wanted it any more. */
import { existsSync, readdirSync, unlinkSync } from "node:fs";
import { join } from "node:path";
import { type AofPlace, readManifest } from "./file-store.js";

const NAME = /^(.*)\.\d+\.incr\.aof$/s;

/** Removes them: what is appended to one of the same name would be behind what it has. Throws BadManifest or a system error. */
export function removeLeftovers(place: AofPlace): void {
  if (!existsSync(place.folder)) return;
  const manifest = readManifest(place);
  const { base, history = [], increments = [] } = manifest ?? {};
  const named = new Set([base, ...increments, ...history].map((file) => file?.name));
  for (const name of readdirSync(place.folder)) {
    if (NAME.exec(name)?.[1] === place.name && !named.has(name)) unlinkSync(join(place.folder, name));
  }
}
