#!/usr/bin/env bash
# A test inside the guest: test/interop, a peer in C on plain librdmacm and libibverbs, and this backend talk to one another in both roles.
set -euo pipefail
# shellcheck source=tools/lab-vm/guest-kit.sh
. "$(dirname "$(readlink -f "$0")")/../../../../tools/lab-vm/guest-kit.sh"
"$here/prepare-rxe.sh"
INTEROP_PEER=$("$here/build-peer.sh" peer)
export INTEROP_PEER
exec node "$here/interop.mjs"
