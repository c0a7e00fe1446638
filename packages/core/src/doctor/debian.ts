import type { Machine } from "./machine.js";

/** The version of an installed Debian package whose name matches; undefined without one. dpkg does not know of libraries built by hand. */
export function packageVersion(machine: Machine, name: RegExp): string | undefined {
  const entries = (machine.read("/var/lib/dpkg/status") ?? "").split("\n\n");
  const entry = entries.find(
    (text) => name.test(/^Package: (.*)$/m.exec(text)?.[1] ?? "") && /^Status: install ok installed$/m.test(text),
  );
  return /^Version: (.*)$/m.exec(entry ?? "")?.[1];
}
