/** The benchmark's own programs, bench/native: libfabric without a libOS. */
import { fileURLToPath } from "node:url";
import { buildWithCMake } from "@demikernel/bench";
import { barePrograms } from "./providers.mjs";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

/** Their paths, by name. Throws an Error that says what is missing. */
export function buildNativePrograms() {
  return buildWithCMake({
    sources: here("native"),
    build: here("../build/bench"),
    programs: barePrograms,
    install: "apt install cmake g++ pkg-config libfabric-dev",
  });
}
