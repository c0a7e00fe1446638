import type { Context } from "./context.mjs";

export interface Case {
  name: string;
  run: (net: unknown, t: Context) => Promise<unknown>;
  /** What of {@link REASONS} it needs. */
  needs: Need[];
  alone: boolean;
}
export type Need = "kernel" | "ipv6" | "localhost" | "addresses" | "own";
export const LEFT_OVER: string;
export function allCases(): Promise<Case[]>;
