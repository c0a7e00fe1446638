#!/usr/bin/env bash
# Inside the guest of run.sh, as root: soft-RoCE devices (rdma_rxe) to test the provider verbs on.
#
#   prepare-rxe.sh          rxe0 at 10.9.0.1/24 and fd09::1/64: connections of this machine to itself, that leave through no wire
#   prepare-rxe.sh --wire   also rxe1 at 10.9.1.1 and rxe2 at 10.9.1.2, the ends of a veth pair (v1, v2) that every packet between
#                           them crosses, so that `tc qdisc add dev v1 root netem ...` can lose it
#   prepare-rxe.sh --mirror also rxe3 at 10.9.2.1, 10.9.2.2, fd09:2::1 and fd09:2::2, all of them on v3: what goes from one to another
#                           leaves over a wire, is turned round at its other end (m3), and comes back. A libOS has one device, and so
#                           both ends of its own connections are across a wire
#
# It fails when a device is missing afterwards. A second run is harmless.
set -euo pipefail
# shellcheck source=tools/lab-vm/guest-kit.sh
. "$(dirname "$(readlink -f "$0")")/../../../../tools/lab-vm/guest-kit.sh"

guest_only "makes network devices and rules"
case ${1:-} in
  "" | --wire | --mirror) ;;
  *) fail "$1: unknown; --wire and --mirror are what there is" ;;
esac
need iproute2 ip rdma
# Soft-RoCE of this kernel lives in the first network namespace only, so both ends of the wire are in this one.
modprobe -a rdma_rxe rdma_ucm ib_uverbs dummy veth || fail "the guest's kernel lacks one of the modules for soft-RoCE"
# libibverbs loads the driver of every card there might be into each process that opens a device, and emulated processors take a second for
# it. In the guest there is no other card, and what it removes it removes for itself.
unwanted=()
for driver in /etc/libibverbs.d/*.driver; do
  [ "$driver" = /etc/libibverbs.d/rxe.driver ] || unwanted+=("$driver")
done
rm -f "${unwanted[@]}"

# A packet of RoCE has 4096 bytes of payload at most, and its headers.
MTU=4200

# interface NAME IPV4 IPV6
interface() {
  ip link set "$1" mtu "$MTU" up
  ip address replace "$2" dev "$1"
  # nodad: usable at once, there is nobody else on this wire.
  ip address replace "$3" dev "$1" nodad
}

# rdma_device NAME INTERFACE: a soft-RoCE device on the interface, and up.
rdma_device() {
  local ports=/sys/class/infiniband/$1/ports n
  [ -e "$ports" ] || rdma link add "$1" type rxe netdev "$2"
  [ -e "$ports" ] || fail "$1 is missing"
  for n in $(seq 50); do
    if grep -q ACTIVE "$ports/1/state"; then break; fi
    [ "$n" -lt 50 ] || fail "$1 is $(cat "$ports/1/state")"
    sleep 0.1
  done
}

[ -e /sys/class/net/d0 ] || ip link add d0 type dummy
interface d0 10.9.0.1/24 fd09::1/64
rdma_device rxe0 d0
for file in rdma_cm uverbs0; do [ -c "/dev/infiniband/$file" ] || fail "/dev/infiniband/$file is missing"; done

# An address of the machine's own, and the kernel would deliver at once what is sent to it. A rule before that of the local addresses
# sends what this machine says to it out of an interface; what comes in is still delivered by the local table. The connection manager
# also asks these rules.
#
# out_of INTERFACE NEXT ADDRESS SOURCE: by this interface to the one named NEXT, from SOURCE unless the socket is bound.
rules=0
out_of() {
  local family=-4 next
  case $3 in *:*) family=-6 ;; esac
  rules=$((rules + 1))
  local number=$((base + rules))
  # Packets come in with a source that is an address of this machine.
  echo 0 >"/proc/sys/net/ipv4/conf/$1/rp_filter"
  echo 1 >"/proc/sys/net/ipv4/conf/$1/accept_local"
  # Nobody answers ARP for an own address.
  read -r next <"/sys/class/net/$2/address"
  ip neighbour replace "$3" lladdr "$next" dev "$1" nud permanent
  ip "$family" route replace "$3" dev "$1" src "$4" table "$number"
  ip "$family" rule add pref "$number" iif lo to "$3" lookup "$number"
}
# The rule of the local addresses, behind those.
local_addresses_later() {
  echo 0 >/proc/sys/net/ipv4/conf/all/rp_filter
  local family
  for family in -4 -6; do
    # All of it is read: a grep that leaves early ends ip with a signal, and the rule would seem not to be there.
    ip "$family" rule show | grep "^0:" >/dev/null || continue
    ip "$family" rule add pref 1000 lookup local
    ip "$family" rule del pref 0
  done
}

make_wire() {
  local base=100
  ip link add v1 type veth peer name v2
  interface v1 10.9.1.1/24 fd09:1::1/64
  interface v2 10.9.1.2/24 fd09:1::2/64
  local_addresses_later
  out_of v1 v2 10.9.1.2 10.9.1.1
  out_of v2 v1 10.9.1.1 10.9.1.2
}

make_mirror() {
  local base=200
  ip link add v3 type veth peer name m3
  interface v3 10.9.2.1/24 fd09:2::1/64
  interface v3 10.9.2.2/24 fd09:2::2/64
  ip link set m3 mtu "$MTU" up
  tc qdisc add dev m3 clsact
  tc filter add dev m3 ingress matchall action skbmod swap mac pipe action mirred egress redirect dev m3
  local_addresses_later
  out_of v3 m3 10.9.2.1 10.9.2.2
  out_of v3 m3 10.9.2.2 10.9.2.1
  out_of v3 m3 fd09:2::1 fd09:2::2
  out_of v3 m3 fd09:2::2 fd09:2::1
}

case ${1:-} in
  --wire)
    [ -e /sys/class/net/v1 ] || make_wire
    rdma_device rxe1 v1
    rdma_device rxe2 v2
    ;;
  --mirror)
    [ -e /sys/class/net/v3 ] || make_mirror
    rdma_device rxe3 v3
    ;;
esac
say "$(rdma link show | sed -n 's/^link \([^ ]*\) state \([A-Z]*\) .*netdev \(.*[^ ]\) *$/\1 on \3 \2/p' | paste -sd ,)"
