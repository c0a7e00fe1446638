#!/usr/bin/env bash
# The tests that need an RDMA device, in one guest with soft-RoCE: `test.sh [script...]`, by default those named below.
set -euo pipefail
here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
tests=("$@")
[ $# -gt 0 ] || tests=(rxe.sh readme.sh interop.sh hostile.sh death.sh wire.sh load.sh conformance.sh conformance-wire.sh)
exec "$here/../../../../tools/lab-vm/guest-tests.sh" "$here/run.sh" "${tests[@]}"
