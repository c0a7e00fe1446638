/** What is compared with: native/, in C. */
import { fileURLToPath } from "node:url";
import { buildWithCMake } from "@demikernel/bench";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

/** Their paths, by name. Throws an Error that says what is missing. */
export function buildNativePrograms() {
  return buildWithCMake({
    sources: here("native"),
    build: here("../build/bench"),
    programs: ["append_group", "append_fdatasync", "read_records"],
    install: "apt install cmake gcc liburing-dev",
  });
}
