#!/usr/bin/env bash
# A test inside the guest: controllers that fail, and what else goes wrong with them. faults.mjs has the cases.
set -euo pipefail
# shellcheck source=tools/lab-vm/guest-kit.sh
. "$(dirname "$(readlink -f "$0")")/../../../../tools/lab-vm/guest-kit.sh"
# shellcheck source=packages/libos-spdk/test/guest/prepare-nvme.sh
. "$here/prepare-nvme.sh"
# The kernel must not take a controller that comes back.
modprobe -r nvme 2>/dev/null || true
for controller in "$first" "$bad" "$slow"; do bind "$controller" vfio-pci; done
export first bad slow
exec node "$here/faults.mjs" "$@"
