#!/usr/bin/env bash
# A test inside the guest: kill -9 of a server whose append-only file is a log on an NVMe controller. killed.mjs has it; DEMI_CRASHES is how
# many times.
set -euo pipefail
# shellcheck source=tools/lab-vm/guest-kit.sh
. "$(dirname "$(readlink -f "$0")")/../../../../tools/lab-vm/guest-kit.sh"
# shellcheck source=packages/libos-spdk/test/guest/controllers.sh
. "$packages/libos-spdk/test/guest/controllers.sh"
[ ${#controllers[@]} -eq 1 ] || fail "${#controllers[@]} NVMe controllers instead of one; is this a guest of run.sh?"
bind "${controllers[0]}" vfio-pci
DEMI_NVME=${controllers[0]} exec node "$here/killed.mjs"
