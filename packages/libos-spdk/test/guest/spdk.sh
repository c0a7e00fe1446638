#!/usr/bin/env bash
# By hand, inside the guest: the conformance suite's logs on a controller through SPDK's driver, with an addon that was built with it
# (README.md, "With SPDK"). test.sh does not run it by itself: no registry has SPDK.
#
#   DRIVER=uio_pci_generic spdk.sh [group...]        default: vfio-pci; only groups whose names contain one of these words
set -euo pipefail
# shellcheck source=tools/lab-vm/guest-kit.sh
. "$(dirname "$(readlink -f "$0")")/../../../../tools/lab-vm/guest-kit.sh"
# shellcheck source=packages/libos-spdk/test/guest/prepare-nvme.sh
. "$here/prepare-nvme.sh"
driver=${DRIVER:-vfio-pci}
bind "$second" "$driver"
echo 200 >/proc/sys/vm/nr_hugepages
export DEMI_NVME=$second DEMI_NVME_DRIVER=$driver DEMI_NVME_BY=spdk
[ $# -gt 0 ] || set -- logs
conformance "$here/target.mjs" "$@"
