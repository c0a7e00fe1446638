#!/usr/bin/env bash
# A test inside the guest: a million messages and 1 GiB between two RDMA devices. load.mjs has the cases.
set -euo pipefail
here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
"$here/prepare-rxe.sh" --wire
exec node "$here/load.mjs" "$@"
