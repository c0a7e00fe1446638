#!/usr/bin/env bash
# A test inside the guest: kill -9 during appends to controllers. killed.mjs has it; DEMI_KILLS is how many (50).
set -euo pipefail
# shellcheck source=tools/lab-vm/guest-kit.sh
. "$(dirname "$(readlink -f "$0")")/../../../../tools/lab-vm/guest-kit.sh"
# shellcheck source=packages/libos-spdk/test/guest/prepare-nvme.sh
. "$here/prepare-nvme.sh"
for controller in "${others[@]}"; do bind "$controller" vfio-pci; done
export DEMI_NVME=${others[*]}
exec node "$here/killed.mjs"
