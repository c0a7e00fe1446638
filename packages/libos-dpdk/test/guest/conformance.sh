#!/usr/bin/env bash
# A test inside the guest: the conformance suite on the card, against the guest kernel's TCP and UDP. The cases about the runtime are left
# out: they run on the host (docs/conformance.md).
#
#   conformance.sh [group...]        only groups whose names contain one of these words
set -euo pipefail
here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
DEMI_PCI=$(FEW_DRIVERS=1 "$here/prepare-nic.sh" --hugepages 300 | tail -n 1)
export DEMI_PCI
exec node "$here/../../node_modules/@demikernel/conformance/scripts/run-conformance.mjs" --on queues "$here/target.mjs" "$@"
