#!/usr/bin/env bash
# From a fresh checkout to an echo server and a Redis server on kernel sockets, in one command. Installs what is missing, builds, runs
# servers and clients on loopback, stops the servers. A second run only runs.
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
# redis-cli and redis-benchmark, as clients.
want_packages "redis-tools=redis-cli"
require_pnpm
install_and_build

# Starts a command line and its words as the server, and waits until it listens on $port.
serve() {
  local name=$1 program=$2
  shift 2
  port=$(node -e 'const s = require("net").createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close(); })')
  log=$(mktemp)
  say "\$ $name $* --port $port"
  LIBOS=posix node "$program" "$@" --host 127.0.0.1 --port "$port" >"$log" 2>&1 </dev/null &
  server=$!
  # Up when it accepts: half a second on an idle machine, ten at most.
  for _ in $(seq 100); do
    kill -0 "$server" 2>/dev/null || { cat "$log" >&2; fail "the server ended before it listened; its words are above."; }
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && break
    sleep 0.1
  done
  (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { cat "$log" >&2; fail "the server did not listen within 10 s."; }
  sed 's/^/  /' "$log"
}
stop_server() {
  kill "$server"
  wait "$server" 2>/dev/null || true
  rm -f "$log"
  server= log=
}

step "2. echo server on kernel sockets"
echo_cli=$root/packages/apps-echo/dist/cli.js
serve demi-echo "$echo_cli" server

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

stop_server

step "5. a Redis server, in TypeScript, and redis-cli"
redis_cli=$root/packages/apps-redis/dist/cli.js
serve demi-redis "$redis_cli" server --save ""
if command -v redis-cli >/dev/null; then ask=(redis-cli) name=redis-cli; else ask=(node "$redis_cli" cli) name="demi-redis cli"; fi
for command in "SET greeting hello" "GET greeting" "ZADD planets 0.39 mercury 1 earth 5.2 jupiter" "ZRANGE planets 0 -1 WITHSCORES"; do
  say "\$ $name -p $port $command"
  # shellcheck disable=SC2086
  "${ask[@]}" -p "$port" $command </dev/null || fail "the server did not answer."
done
[ "$("${ask[@]}" -p "$port" GET greeting </dev/null)" = hello ] || fail "the server does not know what it was told."

step "6. its speed: 50 connections, 16 requests at once"
say "\$ demi-redis bench -p $port -t set,get -n 100000 -P 16 -q"
LIBOS=posix node "$redis_cli" bench -p "$port" -t set,get -n 100000 -P 16 -q </dev/null || fail "the benchmark failed."
stop_server
say
say "Done: the servers are stopped. Next: README.md for the API, docs/ for how it works, scripts/test.sh for the tests."
