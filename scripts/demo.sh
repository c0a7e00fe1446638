#!/usr/bin/env bash
# From a fresh checkout to an echo server on kernel sockets and its latency, in one command. Installs what is missing, builds, runs
# the server and the client on loopback, stops the server. A second run only runs.
set -euo pipefail
# shellcheck source=scripts/prepare.sh
. "$(dirname "${BASH_SOURCE[0]}")/prepare.sh"

server= log=
# Ends what this script started, by its id, and removes its log.
cleanup() {
  [ -n "$server" ] && kill "$server" 2>/dev/null && wait "$server" 2>/dev/null
  [ -n "$log" ] && rm -f "$log"
  return 0
}
trap cleanup EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

step "1. prepare"
require_linux
require_node
build_packages
require_pnpm
install_and_build

step "2. echo server on kernel sockets"
echo_cli=$root/packages/apps-echo/dist/cli.js
port=$(node -e 'const s = require("net").createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close(); })')
log=$(mktemp)
say "\$ demi-echo server --port $port"
LIBOS=posix node "$echo_cli" server --host 127.0.0.1 --port "$port" >"$log" 2>&1 </dev/null &
server=$!
# Up when it accepts: half a second on an idle machine, ten at most.
for _ in $(seq 100); do
  kill -0 "$server" 2>/dev/null || { cat "$log" >&2; fail "the server ended before it listened; its words are above."; }
  (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && break
  sleep 0.1
done
(exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { cat "$log" >&2; fail "the server did not listen within 10 s."; }
sed 's/^/  /' "$log"

step "3. a client over real sockets: round trips of 64 bytes"
say "\$ demi-echo client --port $port"
LIBOS=posix node "$echo_cli" client --host 127.0.0.1 --port "$port" --size 64 --iterations 20000 </dev/null ||
  { cat "$log" >&2; fail "the client failed; the server's words are above."; }

if command -v nc >/dev/null; then
  step "4. any TCP client will do: nc"
  say "\$ echo 'hello from nc' | nc 127.0.0.1 $port"
  reply=$(printf 'hello from nc\n' | timeout 10 nc -q 1 127.0.0.1 "$port") || true
  say "$reply"
  [ "$reply" = "hello from nc" ] || fail "nc got back '$reply' instead of its own line."
fi

kill "$server"
wait "$server" 2>/dev/null || true
server=
say
say "Done: the server is stopped. Next: README.md for the API, docs/ for how it works, scripts/test.sh for the tests."
