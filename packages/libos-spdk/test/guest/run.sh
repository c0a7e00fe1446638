#!/usr/bin/env bash
# Runs a command in a guest with NVMe controllers, an IOMMU, and what the network backends beside them need:
#
#   run.sh [lab-vm option...] -- command [argument...]
#
# prepare-nvme.sh says which controllers there are and binds them. Seven of them are in order; one fails to read and to write some of its
# blocks; one is fast for some megabytes, and then takes seconds for each.
set -euo pipefail
here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# QEMU's blkdebug: by sectors of 512 bytes. prepare-nvme.sh knows the places in the machine, faults.mjs the sectors.
truncate -s 64M "$work/bad" "$work/slow"
cat >"$work/faults" <<'FAULTS'
[inject-error]
event = "read_aio"
errno = "5"
sector = "6000"
once = "off"

[inject-error]
event = "write_aio"
errno = "5"
sector = "9000"
once = "off"
FAULTS
drives=(
  "if=none,id=bad,format=raw,cache=unsafe,file.driver=blkdebug,file.config=$work/faults,file.image.driver=file,file.image.filename=$work/bad"
  "if=none,id=slow,format=raw,cache=unsafe,file=$work/slow,throttling.bps-total=300000,throttling.bps-total-max=12000000,throttling.bps-total-max-length=1"
)
"$here/../../../../tools/lab-vm/lab-vm" --memory 3072 --iommu --nvme 7 \
  --modules vfio-pci,uio_pci_generic,rdma_rxe,rdma_ucm,ib_uverbs,dummy,veth \
  --nic e1000e,mac=02:00:00:00:00:01 --nic virtio-net-pci,mac=02:00:00:00:00:02 \
  --qemu-arg -drive --qemu-arg "${drives[0]}" --qemu-arg -device --qemu-arg nvme,drive=bad,serial=bad,addr=0x10 \
  --qemu-arg -drive --qemu-arg "${drives[1]}" --qemu-arg -device --qemu-arg nvme,drive=slow,serial=slow,addr=0x11 \
  "$@" &
guest=$!
trap 'kill "$guest" 2>/dev/null || true' INT TERM
wait "$guest"
