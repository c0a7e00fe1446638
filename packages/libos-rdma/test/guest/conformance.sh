#!/usr/bin/env bash
# A test inside the guest: the conformance suite over verbs, on soft-RoCE, from rxe0 to itself.
#
#   conformance.sh [group...]        only groups whose names contain one of these words
set -euo pipefail
here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
"$here/prepare-rxe.sh"
exec node "$here/../../node_modules/@demikernel/core/scripts/run-conformance.mjs" "$here/target.mjs" "$@"
