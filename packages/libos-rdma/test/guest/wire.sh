#!/usr/bin/env bash
# A test inside the guest: two RDMA devices and the wire between them, which loses packets and on which a peer dies. wire.mjs has the cases.
set -euo pipefail
here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
modprobe sch_netem
"$here/prepare-rxe.sh" --wire
exec node "$here/wire.mjs"
