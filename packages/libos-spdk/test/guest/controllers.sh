# Inside a guest with NVMe controllers: which there are, and who drives them. Sourced behind guest-kit.sh; sets
#
#   controllers     their addresses, by their places in the machine
#
# shellcheck shell=bash disable=SC2034
guest_only "takes controllers from the kernel"

# Without a program wherever bash will do: on emulated processors each takes a tenth of a second to start, or half of one.
controllers=()
for folder in /sys/bus/pci/devices/*; do
  read -r class <"$folder/class"
  [ "$class" != 0x010802 ] || controllers+=("${folder##*/}")
done

# bind CONTROLLER DRIVER
bind() {
  local device=/sys/bus/pci/devices/$1 group
  [ ! -e "$device/driver" ] || printf '%s' "$1" >"$device/driver/unbind"
  if [ "$2" = uio_pci_generic ]; then
    # As on a machine without an IOMMU: bus addresses are physical ones.
    group=$(basename "$(readlink "$device/iommu_group")")
    echo identity >"/sys/kernel/iommu_groups/$group/type"
  fi
  printf '%s' "$2" >"$device/driver_override"
  printf '%s' "$1" >/sys/bus/pci/drivers_probe
  [ "$device/driver" -ef "/sys/bus/pci/drivers/$2" ] || fail "$1 is not bound to $2: $(dmesg | tail -n 3)"
}
