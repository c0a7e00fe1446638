#!/usr/bin/env bash
# A test inside the guest: a libOS over verbs leaves the code of libc as it is (native/registration_cache.hpp).
set -euo pipefail
# shellcheck source=tools/lab-vm/guest-kit.sh
. "$(dirname "$(readlink -f "$0")")/../../../../tools/lab-vm/guest-kit.sh"
"$here/prepare-rxe.sh"
said=$(node "$here/../programs/libc-code.mjs" verbs 10.9.0.1)
say "$said"
[ "$said" = "verbs: read, 0 bytes of libc changed" ] || fail "other threads may have been running that code"
