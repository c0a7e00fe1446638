#!/usr/bin/env bash
# A test inside the guest: many messages and many bytes between two RDMA devices: fewer than on the host, where they are cheap. load.mjs
# has the cases.
set -euo pipefail
# shellcheck source=tools/lab-vm/guest-kit.sh
. "$(dirname "$(readlink -f "$0")")/../../../../tools/lab-vm/guest-kit.sh"
"$here/prepare-rxe.sh" --wire
export DEMI_LOAD=${DEMI_LOAD:-0.004}
exec node "$here/load.mjs" "$@"
