#!/usr/bin/env bash
# Inside the guest of run.sh, as root: soft-RoCE devices (rdma_rxe) to test the provider verbs on.
#
#   prepare-rxe.sh          rxe0 at 10.9.0.1/24 and fd09::1/64: connections of this machine to itself, that leave through no wire
#   prepare-rxe.sh --wire   also rxe1 at 10.9.1.1 and rxe2 at 10.9.1.2, the ends of a veth pair (v1, v2) that every packet between
#                           them crosses, so that `tc qdisc add dev v1 root netem ...` can lose it
#
# It fails when a device is missing afterwards. A second run is harmless.
set -euo pipefail

fail() {
  printf 'prepare-rxe: %s\n' "$*" >&2
  exit 1
}
say() { printf 'prepare-rxe: %s\n' "$*" >&2; }

[ "${LAB_VM:-}" = 1 ] || fail "this makes network devices and rules, so it runs in lab-vm's guest only"
wire=0
case ${1:-} in
  "") ;;
  --wire) wire=1 ;;
  *) fail "$1: unknown; --wire is what there is" ;;
esac
for program in ip rdma; do
  command -v "$program" >/dev/null || fail "no $program; apt-get install -y --no-install-recommends iproute2"
done
# Soft-RoCE of this kernel lives in the first network namespace only, so both ends of the wire are in this one.
modprobe -a rdma_rxe rdma_ucm ib_uverbs dummy veth || fail "the guest's kernel lacks one of the modules for soft-RoCE"

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

# Each end's address is the machine's own, and the kernel would deliver at once what is sent to it. A rule before that of the local
# addresses sends what this machine says to one end out of the other; what comes in is still delivered by the local table. The
# connection manager asks these rules, too.
make_wire() {
  local end other n
  ip link add v1 type veth peer name v2
  interface v1 10.9.1.1/24 fd09:1::1/64
  interface v2 10.9.1.2/24 fd09:1::2/64
  # Packets come in with a source that is an address of this machine.
  sysctl -qw net.ipv4.conf.all.rp_filter=0
  for n in 1 2; do
    end=v$n other=$((3 - n))
    sysctl -qw "net.ipv4.conf.$end.rp_filter=0" "net.ipv4.conf.$end.accept_local=1"
    # Nobody answers ARP for an own address.
    ip neighbour replace "10.9.1.$other" lladdr "$(cat "/sys/class/net/v$other/address")" dev "$end" nud permanent
    ip route replace "10.9.1.$other" dev "$end" src "10.9.1.$n" table "10$n"
    ip rule add pref "1$n" iif lo to "10.9.1.$other" lookup "10$n"
  done
  ip rule add pref 100 lookup local
  ip rule del pref 0
}
if [ "$wire" = 1 ]; then
  [ -e /sys/class/net/v1 ] || make_wire
  rdma_device rxe1 v1
  rdma_device rxe2 v2
fi
say "$(rdma link show | sed -n 's/^link \([^ ]*\) state \([A-Z]*\) .*netdev \(.*[^ ]\) *$/\1 on \3 \2/p' | paste -sd ,)"
