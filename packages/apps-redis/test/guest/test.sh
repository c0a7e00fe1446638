#!/usr/bin/env bash
# The tests that need an NVMe controller, in one guest: `test.sh [SCRIPT...]`, by default all.
set -euo pipefail
here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
exec node "$here/../../../../tools/lab-vm/guest-tests.mjs" "$here" --all killed.sh -- "$@"
