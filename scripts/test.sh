#!/usr/bin/env bash
# Everything that is checked, in one command: lint, every package's tests, the C++ runtime under ASan and UBSan, the examples of the
# documentation. The last line is "N passed, N failed, N skipped"; what was skipped stands above it with its reason. Exits non-zero when
# anything failed, and with CI=true also when something was skipped because this machine lacks it.
set -euo pipefail
# shellcheck source=scripts/prepare.sh
. "$(dirname "${BASH_SOURCE[0]}")/prepare.sh"

results=$(mktemp -d)
running=
trap '[ -z "$running" ] || kill "$running" 2>/dev/null; rm -rf "$results"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
# A run that ends before the summary still ends with the line that says so.
fail() {
  printf '\n%s: %s\n' "$(basename "$0")" "$*" >&2
  say "0 passed, 1 failed, 0 skipped"
  exit 1
}

step "prepare"
require_linux
require_node
build_packages "doctest-dev=/usr/include/doctest/doctest.h" "netcat-openbsd=/bin/nc.openbsd" "python3=python3" "clang-format=clang-format"
# What libos-dpdk is built against; what its tests make networks of and talk to it with.
want_packages "pkg-config=pkg-config" "libdpdk-dev=/usr/include/dpdk/rte_eal.h" "liblwip-dev=/usr/include/lwip/lwip/init.h" \
  "iproute2=ip" "ethtool=ethtool" "iputils-ping=ping" "tcpdump=tcpdump" "dpdk-dev=dpdk-testpmd"
# What libos-rdma is built against; what its guest makes RDMA devices with and talks to it with.
want_packages "libfabric-dev=/usr/include/rdma/fabric.h" "rdmacm-utils=rping" "librdmacm-dev=/usr/include/rdma/rdma_cma.h"
# What the guest runs on, kernel included: lab-vm itself knows.
read -ra guest_packages <<<"$("$root/tools/lab-vm/lab-vm" --check 2>/dev/null | sed -n 's/^as root: .*--no-install-recommends //p')"
want_packages "${guest_packages[@]}"
require_pnpm
# Nothing is left out there: all backends must build.
[ "${CI:-}" != true ] || export DEMI_REQUIRE_DPDK=1 DEMI_REQUIRE_RDMA=1
install_and_build

# stage NAME SECONDS COMMAND...: runs it within the time, its output in a log that is shown when it fails; remembers how it ended.
stage() {
  local name=$1 limit=$2 start=$SECONDS status=0
  shift 2
  # In the background, because bash runs a trap only after the command in the foreground; timeout passes the signal on.
  timeout --kill-after=10 "$limit" "$@" >"$results/$name.log" 2>&1 </dev/null &
  running=$!
  wait "$running" || status=$?
  running=
  echo "$status" >"$results/$name.status"
  [ "$status" -eq 0 ] || tail -n 120 "$results/$name.log"
  if [ "$status" -ge 124 ] && [ "$status" -le 137 ]; then say "$name: over its time of $limit s, or killed"; fi
  printf '%-24s %-6s %4d s\n' "$name" "$([ "$status" -eq 0 ] && echo ok || echo FAILED)" "$((SECONDS - start))"
}

step "lint"
stage lint-biome 120 pnpm exec biome check .
stage lint-types 300 pnpm exec turbo run lint --output-logs=errors-only
stage lint-clang-format 120 scripts/format-native.sh --check

step "tests"
for manifest in packages/*/package.json; do
  package=$(basename "$(dirname "$manifest")")
  node -e 'process.exit(require(process.argv[1]).scripts?.test ? 0 : 1)' "$root/$manifest" || continue
  stage "jest-$package" 2400 pnpm --dir "packages/$package" run test --json --outputFile="$results/jest-$package.json"
done
for manifest in packages/*/package.json; do
  package=$(basename "$(dirname "$manifest")")
  node -e 'process.exit(require(process.argv[1]).scripts?.["test:native"] ? 0 : 1)' "$root/$manifest" || continue
  stage "native-$package" 900 pnpm --dir "packages/$package" run test:native
done
stage readme 400 node scripts/readme-test.mjs
# A machine with devices this one has not, emulated: docs/lab-vm.md.
stage lab-vm 900 tools/lab-vm/test.sh
stage guest-libos-dpdk 3600 packages/libos-dpdk/test/guest/test.sh
stage guest-libos-rdma 4800 packages/libos-rdma/test/guest/test.sh

step "summary"
node scripts/summary.mjs "$results"
