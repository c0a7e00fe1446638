import type { Context } from "./context.mjs";

export interface Case {
  name: string;
  run: (net: unknown, t: Context) => Promise<unknown>;
  /** What of {@link REASONS} it needs. */
  needs: Need[];
  alone: boolean;
}
export type Need = "kernel" | "ipv6" | "localhost" | "addresses";
export function allCases(): Promise<Case[]>;
