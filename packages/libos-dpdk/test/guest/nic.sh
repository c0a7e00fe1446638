#!/usr/bin/env bash
# A test inside the guest, started with `run.sh -- test/guest/nic.sh`: the set-up that the other guest tests stand on, proved with
# nothing of this package. DPDK's own testpmd owns the card and answers pings of the kernel; the card's memory goes through the IOMMU.
set -euo pipefail
# shellcheck source=tools/lab-vm/guest-kit.sh
. "$(dirname "$(readlink -f "$0")")/../../../../tools/lab-vm/guest-kit.sh"
need dpdk-dev dpdk-testpmd
need iputils-ping ping
scratch

# With huge pages; the card is set up the same way without them, and unprivileged.sh has both.
pci=$("$here/prepare-nic.sh" --hugepages 64 | tail -n 1)
mkfifo "$work/keys"
dpdk-testpmd -a "$pci" --iova-mode=va --no-telemetry -l 0,1 -m 64 --in-memory -- \
  --forward-mode=icmpecho --auto-start --total-num-mbufs=2048 <"$work/keys" >"$work/log" 2>&1 &
server=$!
exec 3>"$work/keys" # testpmd ends at the end of its input
for n in $(seq 300); do
  grep -q 'Press enter to exit' "$work/log" && break
  if [ "$n" -eq 300 ] || ! kill -0 "$server" 2>/dev/null; then fail "testpmd did not start: $(tail -n 20 "$work/log")"; fi
  sleep 0.2
done
ip neighbour flush to 10.7.0.2 # so that the kernel asks: testpmd also answers ARP
ping -c 5 -i 0.2 -W 5 10.7.0.2 >"$work/ping" || fail "no answer to ping: $(cat "$work/ping"); testpmd: $(tail -n 20 "$work/log")"
grep -q '5 received' "$work/ping" || fail "not every ping was answered: $(cat "$work/ping")"
echo >&3
exec 3>&-
wait "$server" || fail "testpmd ended with $?: $(tail -n 20 "$work/log")"
server=''
say "$pci answers ARP and 5 of 5 pings through DPDK"
# An address that is not mapped for the card is an IOMMU fault. No fault means that the card used only what DPDK mapped for it.
dmesg >"$work/dmesg"
grep -q 'DMAR: Intel(R) Virtualization Technology for Directed I/O' "$work/dmesg" || fail "the kernel does not use the IOMMU"
if grep 'DMAR: \[DMA' "$work/dmesg"; then fail "the card reached for memory that DPDK had not mapped"; fi
say "the card's memory went through the IOMMU, without a fault"
