/**
 * What the doctors of backends are made of: a machine to look at, and the checks that more than one of them has.
 *
 * @packageDocumentation
 */
export type { Check } from "../backend.js";
export { addonCheck } from "./addon.js";
export { packageVersion } from "./debian.js";
export { hasModule, kernelAtLeast, kernelParameter, kernelRelease } from "./kernel.js";
export { type Machine, machineAt } from "./machine.js";
export { hugePages, lockedMemory } from "./memory.js";
export { type Capability, capable, processLimit } from "./process.js";
export { bindToVfio, PCI_DEVICES, vfio, vfioGroup } from "./vfio.js";
export { whyNot } from "./why-not.js";
