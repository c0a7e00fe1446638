#!/usr/bin/env bash
# A test inside the guest: the way of the README to soft-RoCE, with an ordinary user at its end. The line the doctor prints makes the
# device; too low a limit on locked memory is named by the doctor and by the error; demi-echo then echoes over verbs as nobody.
set -euo pipefail
here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
packages=$(readlink -f "$here/../../..")
fail() {
  printf 'readme: %s\n' "$*" >&2
  exit 1
}

work=$(mktemp -d)
server=''
trap '[ -z "$server" ] || kill "$server" 2>/dev/null; rm -rf "$work"' EXIT
chmod 777 "$work"
mkdir -p "$work/node_modules/@demikernel"
for name in core libos-rdma apps-echo; do ln -s "$packages/$name" "$work/node_modules/@demikernel/$name"; done
echo '{"name":"app","type":"module","dependencies":{"@demikernel/core":"*","@demikernel/libos-rdma":"*"}}' >"$work/package.json"
printf 'libos: rdma\nrdma:\n  provider: verbs\n' >"$work/rxe.yaml"
cd "$work"

# As nobody, without a capability: with all the memory locked that is asked for, and with as little as users often may.
nobody=(setpriv --reuid=nobody --regid=nogroup --clear-groups --inh-caps=-all --ambient-caps=-all --bounding-set=-all)
unlimited=(prlimit --memlock=unlimited "${nobody[@]}")
limited=(prlimit --memlock=8388608 "${nobody[@]}")
# examine COMMAND...: keeps what the doctor says, run by COMMAND.
examine() {
  # Its status is 1 when anything fails, and only some of it matters here.
  "$@" node node_modules/@demikernel/core/dist/cli/main.js doctor --libos rdma --json >"$work/doctor" || true
}
# check NAME FIELD: a field of what it said under this name.
check() {
  local name=$1 field=$2
  node -p '
    const { examinations } = JSON.parse(require("fs").readFileSync(process.argv[1]));
    const found = examinations.flatMap((one) => one.checks).find((check) => check.name === process.argv[2]);
    found?.[process.argv[3]] ?? ""' "$work/doctor" "$name" "$field"
}

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
found=$(check RLIMIT_MEMLOCK message)
[[ $found == *"soft limit 8388608 bytes"* ]] || fail "of 8 MiB of locked memory the doctor says: $found"
[ "$(check RLIMIT_MEMLOCK status)" = warn ] || fail "8 MiB of locked memory are enough to the doctor"
refusal=$("${limited[@]}" node --input-type=module -e '
  import { openLibOS } from "@demikernel/core";
  await openLibOS({ config: "rxe.yaml" }).then(() => console.log("it opened"), (error) => console.log(error.message));')
[[ $refusal == *"ulimit -l"* ]] || fail "with 8 MiB of locked memory: $refusal"
echo "readme: too low a limit on locked memory is named"

echo_cli=node_modules/@demikernel/apps-echo/dist/cli.js
"${unlimited[@]}" node "$echo_cli" server --host 10.9.0.1 --port 12345 --config rxe.yaml >log 2>&1 &
server=$!
for ((n = 0; n < 300; n++)); do
  if grep -q listening log; then break; fi
  kill -0 "$server" 2>/dev/null || fail "the server ended: $(cat log)"
  sleep 0.2
done
grep -q '(rdma, verbs)' log || fail "the server is on something else: $(cat log)"
"${unlimited[@]}" timeout 120 node "$echo_cli" client --host 10.9.0.1 --port 12345 --config rxe.yaml --iterations 1000 >echoes 2>&1 ||
  fail "the client: $(cat echoes); the server: $(cat log)"
grep -q '^1000 of 1000 echoes' echoes || fail "the client: $(cat echoes)"
grep -q 'mismatches 0' echoes || fail "the client: $(cat echoes)"
kill "$server"
wait "$server" || fail "the server ended with $?: $(cat log)"
server=
echo "readme: 1000 echoes over verbs as nobody"
