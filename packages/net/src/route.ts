/** Whether what an application connects to, or listens on, is the libOS's or stays the kernel's. */
import type { Stack } from "./stack.js";

export type Route = "libos" | "kernel";
export type Use = "listen" | "connect";

type Rule = (stack: Stack, address: string, use: Use) => Route;

let rule: Rule = () => "libos";

export const routeOf = (stack: Stack, address: string, use: Use): Route => rule(stack, address, use);

/** register's, which leaves some to the kernel. */
export function setRoute(other: Rule): void {
  rule = other;
}
