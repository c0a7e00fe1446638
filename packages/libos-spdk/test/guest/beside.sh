#!/usr/bin/env bash
# A test inside the guest: real devices on both sides of one libOS. A network card driven by DPDK, then verbs over soft-RoCE, each with
# logs on a controller behind the IOMMU.
set -euo pipefail
# shellcheck source=tools/lab-vm/guest-kit.sh
. "$(dirname "$(readlink -f "$0")")/../../../../tools/lab-vm/guest-kit.sh"
# shellcheck source=packages/libos-spdk/test/guest/prepare-nvme.sh
. "$here/prepare-nvme.sh"
bind "$first" vfio-pci
export DEMI_NVME=$first
"$packages/libos-rdma/test/guest/prepare-rxe.sh" --mirror
conformance "$here/beside-verbs.mjs" "two engines"
DEMI_PCI=$(FEW_DRIVERS=1 "$packages/libos-dpdk/test/guest/prepare-nic.sh" --hugepages 300 | tail -n 1)
export DEMI_PCI
conformance "$here/beside-dpdk.mjs" "two engines"
