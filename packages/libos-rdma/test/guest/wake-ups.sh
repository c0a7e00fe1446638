#!/usr/bin/env bash
# A test inside the guest: over verbs, asleep, what comes after a random time always wakes who waits. ../programs/wake-ups.mjs has it.
# DEMI_LOOPS="adaptive interrupt" runs it in both loop modes that sleep, DEMI_ROUNDS longer.
set -euo pipefail
# shellcheck source=tools/lab-vm/guest-kit.sh
. "$(dirname "$(readlink -f "$0")")/../../../../tools/lab-vm/guest-kit.sh"
"$here/prepare-rxe.sh"
seed=${DEMI_SEED:-$RANDOM}
for loop in ${DEMI_LOOPS:-interrupt}; do
  printf 'wake-ups: verbs, %s, DEMI_SEED=%s\n' "$loop" "$seed"
  timeout 300 node "$here/../programs/wake-ups.mjs" verbs "$loop" "$seed" "${DEMI_ROUNDS:-200}" 10.9.0.1
done
