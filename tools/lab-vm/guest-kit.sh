# What the test scripts that run inside a guest share. Sourced behind `set -euo pipefail`; sets
#
#   here        the folder of the script
#   packages    the folder of the packages
#   nobody      a command in front of which another runs as an ordinary user without a capability
#
# shellcheck shell=bash disable=SC2034
here=$(dirname "$(readlink -f "$0")")
packages=$(readlink -f "$(dirname "${BASH_SOURCE[0]}")/../../packages")
nobody=(setpriv --reuid=nobody --regid=nogroup --clear-groups --inh-caps=-all --ambient-caps=-all --bounding-set=-all)
script=${0##*/}
script=${script%.sh}

say() { printf '%s: %s\n' "$script" "$*"; }
fail() {
  say "$*" >&2
  exit 1
}

# guest_only WHAT: fails on a machine that is not the guest, because the script does WHAT.
guest_only() { [ "${LAB_VM:-}" = 1 ] || fail "this $1, so it runs in lab-vm's guest only"; }

# need PACKAGE PROGRAM...: fails where a program is not there.
need() {
  local package=$1 program
  shift
  for program; do
    command -v "$program" >/dev/null || fail "no $program; apt-get install -y --no-install-recommends $package"
  done
}

# scratch: a folder, $work, that goes when the script ends. So does the process that $server names.
scratch() {
  work=$(mktemp -d)
  server=''
  trap '[ -z "$server" ] || kill "$server" 2>/dev/null; rm -rf "$work"' EXIT
}

# application BACKEND: makes $work an application on the folder BACKEND of packages/, with demi-echo, that any user may use, and goes there.
application() {
  local name
  chmod 777 "$work"
  mkdir -p "$work/node_modules/@demikernel"
  for name in core "$1" apps-echo; do ln -s "$packages/$name" "$work/node_modules/@demikernel/$name"; done
  printf '{"name":"app","type":"module","dependencies":{"@demikernel/core":"*","@demikernel/%s":"*"}}\n' "$1" >"$work/package.json"
  demikernel=(node node_modules/@demikernel/core/dist/cli/main.js)
  demi_echo=(node node_modules/@demikernel/apps-echo/dist/cli.js)
  libos=${1#libos-}
  cd "$work"
}

# examine [COMMAND...]: keeps what the doctor says of the application's backend, run by COMMAND, in $work/doctor; and each field of its checks
# in a file, because a node for every question takes a second or two to start.
examine() {
  # Its status is 1 when anything fails, and only some of it matters to a test.
  "$@" "${demikernel[@]}" doctor --libos "$libos" --json >"$work/doctor" || true
  rm -rf "$work/checks"
  mkdir "$work/checks"
  node -e '
    const { readFileSync, writeFileSync } = require("fs");
    const [doctor, folder] = process.argv.slice(1);
    const checks = JSON.parse(readFileSync(doctor)).examinations.flatMap((one) => one.checks);
    for (const { name, ...fields } of checks.reverse()) // of two with the same name the first counts
      for (const [field, value] of Object.entries(fields))
        writeFileSync(`${folder}/${encodeURIComponent(`${name} ${field}`)}`, `${value}\n`);
    ' "$work/doctor" "$work/checks"
}

# check NAME FIELD: a field of what it said under this name; nothing when there is none.
check() {
  local file=$1\ $2
  file=${file// /%20}
  file=$work/checks/${file//:/%3A}
  [ ! -e "$file" ] || cat "$file"
}

# start_echo HOST CONFIG COMMAND...: demi-echo's server as $server, run by COMMAND, which listens on port 12345; what it prints is in $work/log.
start_echo() {
  local host=$1 config=$2 n
  shift 2
  "$@" "${demi_echo[@]}" server --host "$host" --port 12345 --config "$config" >"$work/log" 2>&1 &
  server=$!
  for ((n = 0; n < 300; n++)); do
    if grep -q listening "$work/log"; then return; fi
    kill -0 "$server" 2>/dev/null || fail "the server ended: $(cat "$work/log")"
    sleep 0.2
  done
  fail "the server does not listen: $(cat "$work/log")"
}

# end_server: ends $server, which must end well.
end_server() {
  kill "$server"
  wait "$server" || fail "the server ended with $?: $(cat "$work/log")"
  server=''
}

# conformance TARGET [WORD...]: the cases about the device on a target. The others run on the host (docs/conformance.md).
conformance() {
  node "$packages/conformance/scripts/run-conformance.mjs" --on device "$@"
}
