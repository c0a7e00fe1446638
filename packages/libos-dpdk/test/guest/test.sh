#!/usr/bin/env bash
# The tests that need a PCI network card, in one guest: `test.sh [SCRIPT...]`, by default all.
set -euo pipefail
here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
exec node "$here/../../../../tools/lab-vm/guest-tests.mjs" "$here" --all nic.sh,unprivileged.sh,iommu.sh,conformance.sh -- "$@"
