import type { LibOS } from "@demikernel/core";
// @ts-expect-error: plain JavaScript, as the targets are.
import { libos } from "./bed/addresses.mjs";
import { data, echoed, faults, hash } from "./bed/faulty.js";
import { onBed, whyNot } from "./bed/on-bed.js";
// @ts-expect-error: as above
import { echo } from "./programs/echo.mjs";
// @ts-expect-error: as above
import { target as virtio } from "./targets/virtio.mjs";

const PORT = 7;
const TIMEOUT = 120_000;

onBed(
  "frames lost, doubled and out of order between two libOSes",
  () => {
    test(
      "2 MB come back the same",
      async () => {
        const os: LibOS = await virtio.open({ fault: faults });
        const ended = os.run(echo(os, libos[4], PORT).handle);
        const sent = data(2_000_000, 5);
        const socket = await virtio.peers.connect({ host: libos[4], port: PORT });
        expect(hash(await echoed(socket, sent))).toBe(hash(sent));
        socket.destroy();
        expect(os.stats()["dpdk.retransmissions"]).toBeGreaterThan(0);
        os.destroy();
        await ended;
      },
      TIMEOUT,
    );

    afterAll(() => virtio.end());
  },
  await whyNot(virtio),
);
