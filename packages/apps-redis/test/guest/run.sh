#!/usr/bin/env bash
# Runs a command in a guest with an NVMe controller behind an IOMMU:
#
#   run.sh [lab-vm option...] -- command [argument...]
set -euo pipefail
here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
exec "$here/../../../../tools/lab-vm/lab-vm" --memory 3072 --iommu --nvme 1 --nvme-size 256 --modules vfio-pci \
  --env "DEMI_CRASHES=${DEMI_CRASHES:-}" --env "DEMI_SEED=${DEMI_SEED:-}" "$@"
