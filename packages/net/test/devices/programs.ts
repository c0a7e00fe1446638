import { fileURLToPath } from "node:url";

export const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
export const REGISTER = here("../../dist/register.js");
