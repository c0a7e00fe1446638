/** What a machine has for the storage backend, and what is missing. */
import { type Check, kernelAtLeast, kernelParameter, kernelRelease, type Machine } from "@demikernel/core/doctor";
import { controllerChecks } from "./controller-checks.js";

export function doctor(machine: Machine): Check[] {
  return [ioUring(machine), ...controllerChecks(machine)];
}

function ioUring(machine: Machine): Check {
  const name = "io_uring";
  const disabled = kernelParameter(machine, "kernel.io_uring_disabled");
  if (disabled === "1" || disabled === "2") {
    const message = `switched off (kernel.io_uring_disabled is ${disabled}): a thread reads and writes`;
    return { name, status: "warn", message, fix: "sysctl -w kernel.io_uring_disabled=0" };
  }
  if (kernelAtLeast(machine, 5, 11)) return { name, status: "ok", message: `Linux ${kernelRelease(machine)} has it` };
  const message = `Linux ${kernelRelease(machine)} has none that will do: a thread reads and writes`;
  return { name, status: "warn", message, fix: "run Linux 5.11 or newer" };
}
