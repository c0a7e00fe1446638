#!/usr/bin/env bash
# A test inside the guest: kill -9 during appends to a controller. killed.mjs has it; DEMI_KILLS is how many (50).
set -euo pipefail
# shellcheck source=tools/lab-vm/guest-kit.sh
. "$(dirname "$(readlink -f "$0")")/../../../../tools/lab-vm/guest-kit.sh"
# shellcheck source=packages/libos-spdk/test/guest/prepare-nvme.sh
. "$here/prepare-nvme.sh"
bind "$second" vfio-pci
export DEMI_NVME=$second
# Opening reads the whole directory, which takes long on emulated processors: a small one.
node "$packages/libos-spdk/dist/cli/main.js" format --logs 16 --force "nvme:$second"
exec node "$here/killed.mjs"
