#!/usr/bin/env bash
# The tests that need a PCI network card, in one guest: `test.sh [script...]`, by default those named below.
set -euo pipefail
here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
tests=("$@")
[ $# -gt 0 ] || tests=(nic.sh unprivileged.sh iommu.sh conformance.sh)
exec node "$here/../../../../tools/lab-vm/guest-tests.mjs" "$here/run.sh" "${tests[@]}"
