#!/usr/bin/env bash
# A test inside the guest: the way of the README to a card on a server, with an ordinary user at its end. The lines the doctor prints bind
# the card and give it to the user; demi-echo, without a capability, then answers the kernel over it, with huge pages and without.
set -euo pipefail
# shellcheck source=tools/lab-vm/guest-kit.sh
. "$(dirname "$(readlink -f "$0")")/../../../../tools/lab-vm/guest-kit.sh"

scratch
application libos-dpdk
as_user=("${nobody[@]}" env "XDG_RUNTIME_DIR=$work")

modprobe e1000e
nic=''
for folder in /sys/bus/pci/devices/*; do
  [ "$(cat "$folder/vendor" "$folder/device" | paste -sd :)" != 0x8086:0x10d3 ] || nic=$(basename "$folder")
done
[ -n "$nic" ] || fail "no card of 8086:10d3; is this a guest of run.sh?"
# As a fresh machine has it: with the kernel, also where another test had it before.
if [ "$(basename "$(readlink "/sys/bus/pci/devices/$nic/driver" || true)")" != e1000e ]; then
  echo >"/sys/bus/pci/devices/$nic/driver_override"
  [ ! -e "/sys/bus/pci/devices/$nic/driver" ] || echo "$nic" >"/sys/bus/pci/devices/$nic/driver/unbind"
  echo "$nic" >/sys/bus/pci/drivers_probe
fi

examine
[[ $(check "NIC $nic" message) == *"not bound to vfio-pci"* ]] || fail "of the card with the kernel the doctor says: $(check "NIC $nic" message)"
bash -euc "$(check "NIC $nic" fix)" || fail "the doctor's line does not bind the card"
examine "${as_user[@]}"
[[ $(check "NIC $nic" message) == *"may not use its group"* ]] || fail "to the user the doctor says: $(check "NIC $nic" message)"
USER=nobody bash -euc "$(check "NIC $nic" fix)" || fail "the doctor's line does not give the card to the user"
examine "${as_user[@]}"
[[ $(check "NIC $nic" message) == *'ready for device'* ]] || fail "after that the doctor says: $(check "NIC $nic" message)"
FEW_DRIVERS=1 "$here/prepare-nic.sh" >/dev/null # the kernel's end

ulimit -l unlimited
# echoes HUGEPAGES: a server of the user's answers.
echoes() {
  printf 'libos: dpdk\ndpdk: { device: "%s", ipv4: 10.7.0.2/24, hugepages: %s }\n' "$nic" "$1" >demi.yaml
  start_echo 10.7.0.2 demi.yaml "${as_user[@]}"
  ip neighbour flush to 10.7.0.2
  answer=$(echo "hello from $1" | timeout 30 nc -q 2 10.7.0.2 12345) || fail "no echo: $(cat log)"
  [ "$answer" = "hello from $1" ] || fail "an echo of \"$answer\": $(cat log)"
  ping -c 3 -i 0.2 -W 5 10.7.0.2 >pings || fail "no answer to ping: $(cat pings)"
  end_server
  say "an echo and pings as nobody, hugepages: $1"
}
echoes never
echo 150 >/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages
echoes required
