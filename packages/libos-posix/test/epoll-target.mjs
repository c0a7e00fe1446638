import { posixTarget } from "./posix-target.mjs";

export const target = posixTarget("epoll", import.meta.url);
