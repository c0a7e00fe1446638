/** The benchmark's own programs, bench/native. */
import { fileURLToPath } from "node:url";
import { buildWithCMake } from "@demikernel/bench";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

/** Their paths: frames, the bare port, and stack, the port with the stack. Throws an Error that says what is missing. */
export function buildNativePrograms() {
  const { frame_round_trip: frames, stack_echo: stack } = buildWithCMake({
    sources: here("native"),
    from: [here("../native")],
    build: here("../build/bench"),
    programs: ["frame_round_trip", "stack_echo"],
    install: "apt install cmake g++ pkg-config libdpdk-dev liblwip-dev",
  });
  return { frames, stack };
}
