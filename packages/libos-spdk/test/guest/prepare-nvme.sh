# Inside the guest of run.sh: its controllers, by their places in the machine. Sourced behind guest-kit.sh; sets
#
#   first, second    in order
#   others           five more
#   bad              some of its blocks cannot be read or written
#   slow             it is fast for some megabytes, and takes seconds for each from then on
#
# shellcheck shell=bash disable=SC2034
guest_only "takes controllers from the kernel"

# Without a program wherever bash will do: on emulated processors each takes a tenth of a second to start, or half of one.
controllers=()
for folder in /sys/bus/pci/devices/*; do
  read -r class <"$folder/class"
  [ "$class" != 0x010802 ] || controllers+=("${folder##*/}")
done
[ ${#controllers[@]} -eq 9 ] || fail "${#controllers[@]} NVMe controllers instead of 9; is this a guest of run.sh?"
first=${controllers[0]} second=${controllers[1]} others=("${controllers[@]:2:5}") bad=${controllers[7]} slow=${controllers[8]}

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
