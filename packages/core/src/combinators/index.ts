/** New queues from old ones (HotOS'19, figure 3). */
export { filter } from "./filter.js";
export { map } from "./map.js";
export { merge } from "./merge.js";
export { qconnect } from "./qconnect.js";
export { sort } from "./sort.js";
