#!/usr/bin/env bash
# A test inside the guest: the way of the README to soft-RoCE, with an ordinary user at its end. The line the doctor prints makes the
# device; too low a limit on locked memory is named by the doctor and by the error; demi-echo then echoes over verbs as nobody.
set -euo pipefail
# shellcheck source=tools/lab-vm/guest-kit.sh
. "$(dirname "$(readlink -f "$0")")/../../../../tools/lab-vm/guest-kit.sh"

scratch
application libos-rdma
printf 'libos: rdma\nrdma:\n  provider: verbs\n' >rxe.yaml
# With all the memory locked that is asked for, and with as little as users often may.
unlimited=(prlimit --memlock=unlimited "${nobody[@]}")
limited=(prlimit --memlock=8388608 "${nobody[@]}")

# As on a fresh machine, but for an interface with an address.
for folder in /sys/class/infiniband/*; do
  [ ! -e "$folder" ] || rdma link delete "$(basename "$folder")"
done
[ -e /sys/class/net/d0 ] || ip link add d0 type dummy
ip link set d0 mtu 4200 up
ip address replace 10.9.0.1/24 dev d0

examine
line=$(check "RDMA devices" fix)
[[ $line == *"rdma link add rxe0 type rxe netdev "* ]] || fail "without a device the doctor says: $(cat doctor)"
bash -euc "$line" || fail "the doctor's line makes no device: $line"
[ -e /sys/class/infiniband/rxe0 ] || fail "rxe0 is missing"
examine "${unlimited[@]}"
for name in "RDMA device rxe0" "device files" "provider verbs"; do
  status=$(check "$name" status)
  [ "$status" = ok ] || fail "$name, to the user: $status: $(cat doctor)"
done

examine "${limited[@]}"
message=$(check RLIMIT_MEMLOCK message)
[[ $message == *"soft limit 8388608 bytes"* ]] || fail "of 8 MiB of locked memory the doctor says: $message"
[ "$(check RLIMIT_MEMLOCK status)" = warn ] || fail "8 MiB of locked memory are enough to the doctor"
refusal=$("${limited[@]}" node --input-type=module -e '
  import { openLibOS } from "@demikernel/core";
  await openLibOS({ config: "rxe.yaml" }).then(() => console.log("it opened"), (error) => console.log(error.message));')
[[ $refusal == *"ulimit -l"* ]] || fail "with 8 MiB of locked memory: $refusal"
say "too low a limit on locked memory is named"

start_echo 10.9.0.1 rxe.yaml "${unlimited[@]}"
grep -q '(rdma, verbs)' log || fail "the server is on something else: $(cat log)"
"${unlimited[@]}" timeout 120 "${demi_echo[@]}" client --host 10.9.0.1 --port 12345 --config rxe.yaml --iterations 1000 >echoes 2>&1 ||
  fail "the client: $(cat echoes); the server: $(cat log)"
grep -q '^1000 of 1000 echoes' echoes || fail "the client: $(cat echoes)"
grep -q 'mismatches 0' echoes || fail "the client: $(cat echoes)"
end_server
say "1000 echoes over verbs as nobody"
