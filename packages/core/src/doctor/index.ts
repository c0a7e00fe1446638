/**
 * What the doctors of backends are made of: a machine to look at, and the checks that more than one of them has.
 *
 * @packageDocumentation
 */
export type { Check } from "../backend.js";
export { addonCheck, whyNot } from "./addon.js";
export { type Machine, machineAt } from "./machine.js";
export { hugePages, lockedMemory } from "./memory.js";
export {
  type Capability,
  capable,
  hasModule,
  kernelAtLeast,
  kernelParameter,
  kernelRelease,
  packageVersion,
  processLimit,
} from "./system.js";
export { bindToVfio, PCI_DEVICES, vfio, vfioGroup } from "./vfio.js";
