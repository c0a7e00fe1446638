#!/usr/bin/env bash
# The tests that need an RDMA device, in one guest with soft-RoCE: `test.sh [SCRIPT...]`, by default all.
set -euo pipefail
here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
# If this cannot be built, the guest also says why.
"$here/build-peer.sh" peer hostile >/dev/null || true
exec node "$here/../../../../tools/lab-vm/guest-tests.mjs" "$here" --seconds 3000 \
  --all rxe.sh,readme.sh,interop.sh,hostile.sh,death.sh,wire.sh,wake-ups.sh,load.sh,conformance.sh -- "$@"
