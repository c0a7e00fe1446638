#!/usr/bin/env bash
# A test inside the guest: the set-up the other tests stand on, proved with nothing of this package. rdma-core's own rping connects
# through the connection manager, over rxe0 to itself and across the wire; what crosses the wire is seen there.
set -euo pipefail
# shellcheck source=tools/lab-vm/guest-kit.sh
. "$(dirname "$(readlink -f "$0")")/../../../../tools/lab-vm/guest-kit.sh"
need rdmacm-utils rping
"$here/prepare-rxe.sh" --wire
[ -e /sys/class/infiniband/rxe0 ] || fail "rxe0 is missing"

scratch

# pings FROM TO: ten round trips with rping's data checked (-V).
pings() {
  local from=$1 to=$2
  rping -s -a "$to" -C 10 -V >"$work/server" 2>&1 &
  server=$!
  sleep 1
  timeout 60 rping -c -a "$to" -I "$from" -C 10 -V >"$work/client" 2>&1 || fail "$from to $to: $(cat "$work/client" "$work/server")"
  wait "$server" || fail "the server at $to ended with $?: $(cat "$work/server")"
  server=''
  say "$from reaches $to"
}
# Of both ends; a few are the kernel's own (IPv6).
packets() { echo $(($(cat /sys/class/net/v1/statistics/tx_packets) + $(cat /sys/class/net/v2/statistics/tx_packets))); }

pings 10.9.0.1 10.9.0.1
before=$(packets)
pings 10.9.1.1 10.9.1.2
pings 10.9.1.2 10.9.1.1
crossed=$(($(packets) - before))
# A round trip of rping is two sends, an RDMA read and an RDMA write, each acknowledged.
[ "$crossed" -ge 80 ] || fail "only $crossed packets crossed the wire"
say "$crossed packets crossed the wire"
