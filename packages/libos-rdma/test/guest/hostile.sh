#!/usr/bin/env bash
# A test inside the guest: peers that do not keep to the wire format, in C on plain librdmacm and libibverbs, across a wire. hostile.mjs has
# the cases.
set -euo pipefail
# shellcheck source=tools/lab-vm/guest-kit.sh
. "$(dirname "$(readlink -f "$0")")/../../../../tools/lab-vm/guest-kit.sh"
"$here/prepare-rxe.sh" --wire
HOSTILE_PEER=$("$here/build-peer.sh" hostile)
export HOSTILE_PEER
exec node "$here/hostile.mjs" "$@"
