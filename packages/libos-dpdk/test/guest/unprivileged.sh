#!/usr/bin/env bash
# A test inside the guest: the way of the README to a card on a server, with an ordinary user at its end. The lines the doctor prints bind
# the card and give it to the user; demi-echo, without a capability, then answers the kernel over it, with huge pages and without.
set -euo pipefail
here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
packages=$(readlink -f "$here/../../..")
fail() {
  printf 'unprivileged: %s\n' "$*" >&2
  exit 1
}

work=$(mktemp -d)
server=''
trap '[ -z "$server" ] || kill "$server" 2>/dev/null; rm -rf "$work"' EXIT
chmod 777 "$work"
mkdir -p "$work/node_modules/@demikernel"
for name in core libos-dpdk apps-echo; do ln -s "$packages/$name" "$work/node_modules/@demikernel/$name"; done
echo '{"name":"app","type":"module","dependencies":{"@demikernel/core":"*","@demikernel/libos-dpdk":"*"}}' >"$work/package.json"
cd "$work"

as_user=(setpriv --reuid=nobody --regid=nogroup --clear-groups --inh-caps=-all --ambient-caps=-all --bounding-set=-all
  env "XDG_RUNTIME_DIR=$work")
# examine [COMMAND...]: keeps what demikernel doctor says, run by COMMAND.
examine() {
  # Its status is 1 when anything fails, and only the card matters here.
  "$@" node node_modules/@demikernel/core/dist/cli/main.js doctor --libos dpdk --json >"$work/doctor" || true
}
# said NIC FIELD: what it said of the card.
said() {
  node -p '
    const { examinations } = JSON.parse(require("fs").readFileSync(process.argv[1]));
    const checks = examinations.flatMap((one) => one.checks);
    checks.find((check) => check.name === "NIC " + process.argv[2])?.[process.argv[3]] ?? ""' "$work/doctor" "$1" "$2"
}

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
[[ $(said "$nic" message) == *"not bound to vfio-pci"* ]] || fail "of the card with the kernel the doctor says: $(said "$nic" message)"
bash -euc "$(said "$nic" fix)" || fail "the doctor's line does not bind the card"
examine "${as_user[@]}"
[[ $(said "$nic" message) == *"may not use its group"* ]] || fail "to the user the doctor says: $(said "$nic" message)"
USER=nobody bash -euc "$(said "$nic" fix)" || fail "the doctor's line does not give the card to the user"
examine "${as_user[@]}"
[[ $(said "$nic" message) == *'ready for device'* ]] || fail "after that the doctor says: $(said "$nic" message)"
FEW_DRIVERS=1 "$here/prepare-nic.sh" >/dev/null # the kernel's end

ulimit -l unlimited
# echoes HUGEPAGES: a server of the user's answers.
echoes() {
  printf 'libos: dpdk\ndpdk: { device: "%s", ipv4: 10.7.0.2/24, hugepages: %s }\n' "$nic" "$1" >demi.yaml
  "${as_user[@]}" node node_modules/@demikernel/apps-echo/dist/cli.js server --host 10.7.0.2 --port 12345 --config demi.yaml >log 2>&1 &
  server=$!
  for ((n = 0; n < 300; n++)); do
    grep -q listening log && break
    kill -0 "$server" 2>/dev/null || fail "the server ended: $(cat log)"
    sleep 0.2
  done
  ip neighbour flush to 10.7.0.2
  answer=$(echo "hello from $1" | timeout 30 nc -q 2 10.7.0.2 12345) || fail "no echo: $(cat log)"
  [ "$answer" = "hello from $1" ] || fail "an echo of \"$answer\": $(cat log)"
  ping -c 3 -i 0.2 -W 5 10.7.0.2 >pings || fail "no answer to ping: $(cat pings)"
  kill "$server"
  wait "$server" || fail "the server ended with $?: $(cat log)"
  server=
  printf 'unprivileged: an echo and pings as nobody, hugepages: %s\n' "$1"
}
echoes never
echo 150 >/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages
echoes required
