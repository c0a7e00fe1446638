import type { Need } from "./cases.mjs";

export const REASONS: Record<Need, string>;
export const SUBJECTS: Record<string, { libos?: object; host?: string; addon?: string; lacks: Need[] }>;
export function load(name: string): Promise<{ net: unknown; os: unknown }>;
