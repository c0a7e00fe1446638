export { tearDown as default } from "./packing.mjs";
