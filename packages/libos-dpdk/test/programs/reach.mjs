import { isIPv6 } from "node:net";

/** Resolves once the link is up and the stack knows it: a datagram to the address leaves. */
export async function reach(os, host) {
  const qd = os.socket("udp", { family: isIPv6(host) ? 6 : 4 });
  const end = performance.now() + 20_000;
  for (;;) {
    try {
      await os.async.pushTo(qd, os.sga.from("?"), { host, port: 9 }, { free: true });
      break;
    } catch (error) {
      if (error.code !== "ENETUNREACH" || performance.now() > end) throw error;
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }
  os.close(qd);
}
