/** Operations that run out: each connection has one for what it reads. */
export { default } from "./too-many.mjs";
export const options = { tokens: 64 };
