/** An application that has a storage engine beside its network: a folder in which demi-redis finds both. Of tests, guests and the benchmark. */
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const PACKAGES = fileURLToPath(new URL("../../", import.meta.url));
const NAMES = ["core", "libos-posix", "libos-spdk"];

/** Makes one of this folder, its log on `device`; what it is configured with, where `more` are other sections. */
export function makeLogApplication(folder, device, more = {}) {
  const modules = join(folder, "node_modules/@demikernel");
  mkdirSync(modules, { recursive: true });
  for (const name of NAMES) symlinkSync(join(PACKAGES, name), join(modules, name));
  const dependencies = Object.fromEntries(NAMES.map((name) => [`@demikernel/${name}`, "*"]));
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "application", private: true, dependencies }));
  const config = join(folder, "demi.yaml");
  writeFileSync(config, JSON.stringify({ libos: "posix", storage: "spdk", spdk: { device }, ...more }));
  return config;
}
