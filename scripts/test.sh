#!/usr/bin/env bash
# Everything that is checked, in one command: lint, every package's tests, the C++ runtime under ASan and UBSan, the examples of the
# documentation, the guests. Prepares the machine and builds, then runs the stages of scripts/test/stages.mjs, two side by side. The last
# line is "N passed, N failed, N skipped", above it stand what each stage took, what failed and what was skipped, with reasons. Exits
# non-zero when anything failed, and with CI=true also when something was skipped because this machine does not have it.
set -euo pipefail
# shellcheck source=scripts/prepare.sh
. "$(dirname "${BASH_SOURCE[0]}")/prepare.sh"

usage() {
  cat <<'HELP'
usage: scripts/test.sh [PACKAGE...] [--changed] [--list]

Without arguments all of it is tested, as in CI.

  PACKAGE...   only these folders of packages/ (core, libos-posix, ...) and what is linted; "repository" is what belongs to none
  --changed    only what differs from the branch's upstream, committed or not, and what depends on it
  --list       print the stages that would run, with their budgets, and end
  -h, --help

Output and reports of the stages are kept in .test-results/. With CI=true, whatever this machine does not have is a failure.
HELP
}
for argument; do
  case $argument in
    -h | --help)
      usage
      exit 0
      ;;
    --changed | --list) ;;
    -*)
      usage >&2
      exit 2
      ;;
  esac
done

# A run that ends before the summary still ends with the line that says so.
fail() {
  printf '\n%s: %s\n' "$(basename "$0")" "$*" >&2
  say "0 passed, 1 failed, 0 skipped"
  exit 1
}
trap 'exit 130' INT
trap 'exit 143' TERM

require_linux
require_node
if [[ " $* " == *" --list "* ]]; then exec node "$root/scripts/test/run.mjs" "$@"; fi

step "prepare"
begun=$SECONDS
build_packages "doctest-dev=/usr/include/doctest/doctest.h" "netcat-openbsd=/bin/nc.openbsd" "python3=python3" "clang-format=clang-format"
# What libos-dpdk is built against; what its tests make networks of and talk to it with.
want_packages "pkg-config=pkg-config" "libdpdk-dev=/usr/include/dpdk/rte_eal.h" "liblwip-dev=/usr/include/lwip/lwip/init.h" \
  "iproute2=ip" "ethtool=ethtool" "iputils-ping=ping" "tcpdump=tcpdump" "dpdk-dev=dpdk-testpmd"
# What libos-rdma is built against; what its guest makes RDMA devices with and talks to it with.
want_packages "libfabric-dev=/usr/include/rdma/fabric.h" "rdmacm-utils=rping" "librdmacm-dev=/usr/include/rdma/rdma_cma.h"
# What the guest runs on, kernel included: lab-vm itself knows.
read -ra guest_packages <<<"$("$root/tools/lab-vm/lab-vm" --check 2>/dev/null | sed -n 's/^as root: .*--no-install-recommends //p')"
want_packages "${guest_packages[@]}"
# losetup makes a block device for libos-spdk, mkfs.ext2 one that is in use; without ccache every fresh clone compiles everything anew.
want_packages "mount=losetup" "e2fsprogs=mkfs.ext2" "ccache=ccache"
# redis-cli and redis-benchmark, and (as redis-check-rdb, which is the same program) the server that demi-redis is compared with. The package
# redis-server would start a service.
want_packages "redis-tools=redis-check-rdb"
# Certificates for the tests of TLS. PostgreSQL's package would start a service: only a machine that is there for tests gets it, on others
# the tests that need it say that they are skipped.
want_packages "openssl=openssl"
[ "${CI:-}" != true ] || want_packages "postgresql-15=/usr/lib/postgresql/15/bin/initdb"
require_pnpm
prepared=$((SECONDS - begun))
if command -v ccache >/dev/null; then
  # CMake's own variable. Clones in different folders share what has been compiled.
  export CMAKE_CXX_COMPILER_LAUNCHER=ccache CCACHE_BASEDIR=$root CCACHE_NOHASHDIR=1
fi
# Nothing is left out there: all backends must build.
[ "${CI:-}" != true ] || export DEMI_REQUIRE_DPDK=1 DEMI_REQUIRE_RDMA=1
install_and_build

# Budgets: packages to install on a bare machine, everything to fetch and to compile in a fresh clone.
exec node scripts/test/run.mjs --took "prepare=$prepared/120" --took "install and build=$((SECONDS - begun - prepared))/240" "$@"
