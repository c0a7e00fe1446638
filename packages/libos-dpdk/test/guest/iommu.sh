#!/usr/bin/env bash
# A test inside the guest: memory for a card whose IOMMU has 39 bits. What is looked at is in iommu.mjs.
set -euo pipefail
# shellcheck source=tools/lab-vm/guest-kit.sh
. "$(dirname "$(readlink -f "$0")")/../../../../tools/lab-vm/guest-kit.sh"
DEMI_PCI=$(FEW_DRIVERS=1 "$here/prepare-nic.sh" --hugepages 300 | tail -n 1)
export DEMI_PCI
bits=$(((0x$(cat /sys/class/iommu/dmar0/intel-iommu/cap) >> 16 & 63) + 1))
[ "$bits" -eq 39 ] || fail "addresses of $bits bits; is this a guest of run.sh?"
node "$here/iommu.mjs" within
node "$here/iommu.mjs" beyond
