/** Queues that run out. */
export { default } from "./too-many.mjs";
export const options = { queues: 64 };
