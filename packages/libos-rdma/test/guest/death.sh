#!/usr/bin/env bash
# A test inside the guest: peers across a wire that are killed, at any moment. death.mjs has the cases.
set -euo pipefail
# shellcheck source=tools/lab-vm/guest-kit.sh
. "$(dirname "$(readlink -f "$0")")/../../../../tools/lab-vm/guest-kit.sh"
"$here/prepare-rxe.sh" --wire
HOSTILE_PEER=$("$here/build-peer.sh" hostile)
export HOSTILE_PEER
exec node "$here/death.mjs" "$@"
