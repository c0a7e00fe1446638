#!/usr/bin/env bash
# A test inside the guest: the conformance suite's logs on a controller through uio_pci_generic.
#
#   uio.sh [group...]        only groups whose names contain one of these words
set -euo pipefail
# shellcheck source=tools/lab-vm/guest-kit.sh
. "$(dirname "$(readlink -f "$0")")/../../../../tools/lab-vm/guest-kit.sh"
# shellcheck source=packages/libos-spdk/test/guest/prepare-nvme.sh
. "$here/prepare-nvme.sh"
bind "$second" uio_pci_generic
echo 150 >/proc/sys/vm/nr_hugepages
export DEMI_NVME=$second DEMI_NVME_DRIVER=uio_pci_generic
[ $# -gt 0 ] || set -- logs
conformance "$here/target.mjs" "$@"
