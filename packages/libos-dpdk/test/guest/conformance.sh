#!/usr/bin/env bash
# A test inside the guest: the conformance suite on the card, against the guest kernel's TCP and UDP.
#
#   conformance.sh [group...]        only groups whose names contain one of these words
set -euo pipefail
# shellcheck source=tools/lab-vm/guest-kit.sh
. "$(dirname "$(readlink -f "$0")")/../../../../tools/lab-vm/guest-kit.sh"
DEMI_PCI=$(FEW_DRIVERS=1 "$here/prepare-nic.sh" --hugepages 300 | tail -n 1)
export DEMI_PCI
conformance "$here/target.mjs" "$@"
