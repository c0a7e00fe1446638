#!/usr/bin/env bash
# The tests that need an RDMA device, in one guest with soft-RoCE: `test.sh [script...]`, by default those named below.
set -euo pipefail
here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
tests=("$@")
[ $# -gt 0 ] || tests=(rxe.sh readme.sh interop.sh hostile.sh death.sh wire.sh wake-ups.sh load.sh conformance.sh)
build=$(readlink -f "$here/../..")/build/interop
mkdir -p "$build"
# Where this cannot be built the guest says why, too.
make -s -f "$here/../interop/Makefile" BUILD="$build" "$build/peer" "$build/hostile" || true
export GUEST_TIMEOUT=${GUEST_TIMEOUT:-3000}
exec node "$here/../../../../tools/lab-vm/guest-tests.mjs" "$here/run.sh" "${tests[@]}"
