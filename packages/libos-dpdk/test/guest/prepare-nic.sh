#!/usr/bin/env bash
# Inside the guest of run.sh, as root: gives the emulated 82574 card to DPDK through vfio-pci and the IOMMU, and makes the virtio card
# the kernel's end of the same wire, with 10.7.0.1/24 and fd07::1/64 on it. The last line on standard output is the card's PCI address.
#
#   prepare-nic.sh [--hugepages N]     N huge pages of 2 MiB, reserved and mounted at /dev/hugepages; without it the guest has what it has
#
# With FEW_DRIVERS=1 in the environment the drivers of DPDK go that the package is not for. DPDK's own programs, which are linked with all
# of them, do not start any more then.
#
# A second run is harmless. DPDK needs a new one only after the card was given back to the kernel.
set -euo pipefail
# shellcheck source=tools/lab-vm/guest-kit.sh
. "$(dirname "$(readlink -f "$0")")/../../../../tools/lab-vm/guest-kit.sh"
# Standard output is the answer.
say() { printf 'prepare-nic: %s\n' "$*" >&2; }

guest_only "rearranges network cards"
pages=
case ${1:-} in
  "") ;;
  --hugepages) pages=${2:?} ;;
  *) fail "$1: unknown; --hugepages N is what there is" ;;
esac

# card VENDOR DEVICE: the PCI address of the one card with these numbers.
card() {
  local folder vendor device found=()
  for folder in /sys/bus/pci/devices/*; do
    read -r vendor <"$folder/vendor"
    read -r device <"$folder/device"
    [ "$vendor $device" != "$1 $2" ] || found+=("${folder##*/}")
  done
  [ ${#found[@]} -eq 1 ] || fail "${#found[@]} cards of $1:$2 instead of one; is this a guest of run.sh?"
  printf '%s' "${found[0]}"
}

nic=$(card 0x8086 0x10d3)
device=/sys/bus/pci/devices/$nic
modprobe -a vfio-pci virtio_net
# DPDK loads every driver there is into each process, and emulated processors take five seconds for it. What the guest removes it removes
# for itself.
kept='librte_(bus_pci|bus_vdev|mempool_ring|mempool_stack|net_(af_packet|af_xdp|e1000|memif|null|pcap|ring|tap|vhost|virtio))\.so'
unwanted=()
for driver in /usr/lib/*/dpdk/pmds-*/*; do
  [ "${FEW_DRIVERS:-}" != 1 ] || [[ $driver =~ $kept ]] || unwanted+=("$driver")
done
rm -f "${unwanted[@]}"
# No group: no IOMMU, and vfio-pci would refuse the card later and less clearly.
[ -e "$device/iommu_group" ] || fail "$nic has no IOMMU group; lab-vm needs --iommu"

if [ "$(basename "$(readlink "$device/driver" || true)")" != vfio-pci ]; then
  [ ! -e "$device/driver" ] || printf '%s' "$nic" >"$device/driver/unbind"
  printf vfio-pci >"$device/driver_override"
  printf '%s' "$nic" >/sys/bus/pci/drivers_probe
fi
bound=$(basename "$(readlink "$device/driver" || echo none)")
[ "$bound" = vfio-pci ] || fail "$nic is bound to $bound instead of vfio-pci: $(dmesg | tail -n 3)"
group=$(basename "$(readlink "$device/iommu_group")")
[ -c "/dev/vfio/$group" ] || fail "/dev/vfio/$group is not there"

if [ -n "$pages" ]; then
  echo "$pages" >/proc/sys/vm/nr_hugepages
  there=$(cat /proc/sys/vm/nr_hugepages)
  [ "$there" -ge "$pages" ] || fail "only $there of $pages huge pages; give the guest more memory"
  mountpoint -q /dev/hugepages || mount -t hugetlbfs hugetlbfs /dev/hugepages
fi

# The kernel's end: the one interface that virtio_net drives.
peer=
for folder in /sys/class/net/*; do
  if [ "$folder/device/driver" -ef /sys/bus/virtio/drivers/virtio_net ]; then
    [ -z "$peer" ] || fail "two virtio cards, $peer and ${folder##*/}"
    peer=${folder##*/}
  fi
done
[ -n "$peer" ] || fail "no virtio card for the kernel's end"
ip address replace 10.7.0.1/24 dev "$peer"
# nodad: usable at once, there is nobody else on this wire.
ip address replace fd07::1/64 dev "$peer" nodad
ip link set "$peer" up
# Whole packets with their checksums in, as on a wire between two machines: nothing the driver could leave to the other end.
ethtool -K "$peer" tx off tso off gso off gro off >/dev/null 2>&1 || say "$peer: offloads could not be switched off"

say "$nic ($(cat "$device/vendor"):$(cat "$device/device")) is on vfio-pci, IOMMU group $group; the kernel's end is $peer, 10.7.0.1/24 and fd07::1/64"
printf '%s\n' "$nic"
