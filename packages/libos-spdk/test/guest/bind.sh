#!/usr/bin/env bash
# A test inside the guest: demi-log bind takes a controller from the kernel and gives it back, and never one whose disk is in use.
set -euo pipefail
# shellcheck source=tools/lab-vm/guest-kit.sh
. "$(dirname "$(readlink -f "$0")")/../../../../tools/lab-vm/guest-kit.sh"
# shellcheck source=packages/libos-spdk/test/guest/prepare-nvme.sh
. "$here/prepare-nvme.sh"
need e2fsprogs mkfs.ext2
scratch

demi_log() { node "$packages/libos-spdk/dist/cli/main.js" "$@"; }
driver() { basename "$(readlink "/sys/bus/pci/devices/$second/driver" || echo none)"; }
# The disk of the second controller, once the kernel has it.
disk() {
  local n
  for ((n = 0; n < 100; n++)); do
    for folder in "/sys/bus/pci/devices/$second"/nvme/nvme*/nvme*n1; do
      [ ! -b "/dev/$(basename "$folder")" ] || { printf '/dev/%s' "$(basename "$folder")" && return; }
    done
    sleep 0.1
  done
  fail "the kernel has no disk of $second"
}

printf nvme >"/sys/bus/pci/devices/$second/driver_override"
modprobe nvme
[ "$(driver)" = nvme ] || fail "$second is driven by $(driver)"
mkfs.ext2 -q "$(disk)"
mount "$(disk)" "$work"
if demi_log bind "$second" >"$work.said" 2>&1; then fail "it took a disk that is mounted"; fi
grep -q "mounted" "$work.said" || fail "it does not say that it is mounted: $(cat "$work.said")"
[ "$(driver)" = nvme ] || fail "it was taken all the same"
umount "$work"
# As it was: the next test wants an empty disk.
dd if=/dev/zero of="$(disk)" bs=1M conv=fsync status=none 2>/dev/null || true
demi_log bind "$second"
[ "$(driver)" = vfio-pci ] || fail "$second is driven by $(driver), not by vfio-pci"
demi_log unbind "$second"
[ "$(driver)" = nvme ] || fail "$second is driven by $(driver), not by nvme"
disk >/dev/null
rm "$work.said"
say "$second went to vfio-pci and back, and not while it was mounted"
