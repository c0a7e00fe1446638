#!/usr/bin/env bash
# A test inside the guest: the conformance suite's logs on a controller through vfio-pci.
#
#   vfio.sh [group...]        only groups whose names contain one of these words
set -euo pipefail
# shellcheck source=tools/lab-vm/guest-kit.sh
. "$(dirname "$(readlink -f "$0")")/../../../../tools/lab-vm/guest-kit.sh"
# shellcheck source=packages/libos-spdk/test/guest/prepare-nvme.sh
. "$here/prepare-nvme.sh"
bind "$first" vfio-pci
export DEMI_NVME=$first DEMI_NVME_DRIVER=vfio-pci
[ $# -gt 0 ] || set -- logs
conformance "$here/target.mjs" "$@"
