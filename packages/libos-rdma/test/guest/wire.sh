#!/usr/bin/env bash
# A test inside the guest: two RDMA devices and the wire between them, which loses packets and on which a peer dies. wire.mjs has the cases.
set -euo pipefail
# shellcheck source=tools/lab-vm/guest-kit.sh
. "$(dirname "$(readlink -f "$0")")/../../../../tools/lab-vm/guest-kit.sh"
modprobe sch_netem
"$here/prepare-rxe.sh" --wire
exec node "$here/wire.mjs"
