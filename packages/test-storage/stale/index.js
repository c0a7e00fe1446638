import { createRequire } from "node:module";
import scratch from "../index.js";

const require = createRequire(import.meta.url);

/** The engine "scratch" as another version of core's headers would have compiled it: no libOS takes it. */
export default {
  ...scratch,
  name: "stale",
  load: () => require(`../prebuilds/${process.platform}-${process.arch}/demi_stale.node`),
};
