import { type ConformanceTarget, conformanceWhere, whyNotOpen } from "@demikernel/conformance";
// @ts-expect-error: plain JavaScript, as the other targets are.
import { detach, lacking, target } from "./targets/loop.mjs";

afterAll(detach);

// What is about the device; the rest the file's target runs.
await conformanceWhere(target as ConformanceTarget, {
  only: ["logs", "logs: durability"],
  whyNot: async (on) => lacking ?? (await whyNotOpen(on)),
});
