import scratch, { addon } from "../index.js";

/** The engine "scratch" as another version of core's headers would have compiled it: no libOS accepts it. */
export default { ...scratch, name: "stale", load: () => addon("demi_stale") };
