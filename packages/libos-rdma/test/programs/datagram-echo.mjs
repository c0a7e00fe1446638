/** Sends datagrams over shm back to where they came from: datagram-echo.mjs <port>. Says which port it has. */
import { openLibOS, PushFlag } from "@demikernel/core";

const os = await openLibOS({ libos: "rdma", provider: "shm" });
const qd = os.socket("udp");
os.bind(qd, { host: "127.0.0.1", port: Number(process.argv[2]) });
console.log(os.getsockname(qd).port);
for (;;) os.pushTo(qd, await os.async.pop(qd), undefined, PushFlag.FREE | PushFlag.QUIET);
