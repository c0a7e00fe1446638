import { conformanceWhere } from "@demikernel/conformance";
// @ts-expect-error: plain JavaScript, as the targets are.
import { link } from "./bed/bed.mjs";
import { onBed, whyNot } from "./bed/on-bed.js";
// @ts-expect-error: plain JavaScript, so that a Worker can import it as it is.
import { target } from "./targets/af-xdp.mjs";

// Loops and threads are the addon's: they are chosen on virtio and af_packet.
await conformanceWhere(target, { whyNot, on: "device" });

onBed("dk0 after all of this", () => {
  test("has no XDP program and its MTU", () => {
    expect(link("dk0").xdp).toBeUndefined();
    expect(link("dk0").mtu).toBe(1500);
  });
});
