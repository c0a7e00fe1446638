/** A process with a libOS open over the given provider, that waits for its end. */
import { openLibOS } from "@demikernel/core";

const os = await openLibOS({ libos: "rdma", provider: process.argv[2] });
console.log(os.engine);
setInterval(() => undefined, 1000);
