import { type AddonPackages, mustBeBuilt } from "../addon.js";
import type { Check } from "../backend.js";

/** Whether the addon loads: `reason` says why it does not, undefined that it does. */
export function addonCheck(reason: string | undefined, { runtime, build }: Partial<AddonPackages> = {}): Check {
  const name = "addon";
  if (reason === undefined) return { name, status: "ok", message: "the native addon loads" };
  const check: Check = { name, status: "fail", message: reason };
  if (mustBeBuilt(reason))
    return build ? { ...check, fix: `apt install ${build} && pnpm build   # in a checkout` } : check;
  return runtime ? { ...check, fix: `apt install ${runtime}` } : check;
}

/** Why something that can only be found out by trying does not work here; undefined when it does. */
export function whyNot(trial: () => unknown): string | undefined {
  try {
    trial();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
