import { posixTarget } from "./posix-target.mjs";

export const target = posixTarget("io_uring", import.meta.url);
