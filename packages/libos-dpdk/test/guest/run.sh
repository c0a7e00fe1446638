#!/usr/bin/env bash
# Runs a command in a guest that has a PCI network card for DPDK, a second card for the kernel on the same wire, and an IOMMU:
#
#   run.sh [lab-vm option...] -- command [argument...]
#
# The command starts with `pci=$(prepare-nic.sh)`; what it prints is the device to give to DPDK.
set -euo pipefail
here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
exec "$here/../../../../tools/lab-vm/lab-vm" --memory 3072 --iommu=39 \
  --nic e1000e,mac=02:00:00:00:00:01 --nic virtio-net-pci,mac=02:00:00:00:00:02 "$@"
