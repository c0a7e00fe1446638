import { openLibOS } from "@demikernel/core";
import { onBed } from "./bed/on-bed.js";

const refusal = (eal: string[]): Promise<{ code: string; message: string }> =>
  openLibOS({
    libos: "dpdk",
    device: "net_null0",
    ipv4: "10.7.0.2/24",
    hugepages: "never",
    eal,
    from: import.meta.url,
  }).then(
    (os) => {
      os.destroy();
      throw new Error("it opened");
    },
    (error) => error,
  );

// This file's process has an EAL that never starts.
onBed("DPDK that does not start", () => {
  it("says why, and at every later try says the same", async () => {
    // A hundred terabytes.
    const first = await refusal(["-m", "100000000"]);
    expect(first.code).toBe("ENOMEM");
    expect(first.message).toMatch(/DPDK did not start .*Cannot allocate memseg list/);
    for (let n = 0; n < 2; ++n) {
      const later = await refusal([]);
      expect(later.code).toBe(first.code);
      expect(later.message).toBe(`${first.message}; DPDK starts only once, so another try needs a new process`);
    }
  });
});
