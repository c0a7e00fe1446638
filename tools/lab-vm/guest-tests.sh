#!/usr/bin/env bash
# Tests that need the guest, in one run of it: `guest-tests.sh RUN TEST...`. RUN is a script that passes its arguments on to lab-vm with
# what the tests need; the TESTs are scripts in its folder, that run in the guest one after the other.
#
# A test passes with status 0; it is one test, or as many as its last line "<name>: N passed, N failed, N skipped" says. The last line
# here is the sum, "guest: N passed, N failed, N skipped". Where lab-vm cannot run all are skipped with the reason, with CI=true failed.
# GUEST_TIMEOUT is the limit of the run, in seconds (3300).
set -uo pipefail
lab_vm=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")/lab-vm
run=$1
shift
tests=("$@")

finish() {
  printf 'guest: %d passed, %d failed, %d skipped\n' "$1" "$2" "$3"
  exit $(($2 > 0))
}

lacking=$("$lab_vm" --check | sed -n 's/^missing  //p' | paste -sd ';')
if [ -n "$lacking" ]; then
  if [ "${CI:-}" = true ]; then
    printf 'the guest cannot run: %s\n' "$lacking"
    finish 0 ${#tests[@]} 0
  fi
  for test in "${tests[@]}"; do printf 'skipped: %s: %s\n' "$test" "$lacking"; done
  finish 0 0 ${#tests[@]}
fi

results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT
status=0
# shellcheck disable=SC2016 # the guest expands these
"$run" --timeout "${GUEST_TIMEOUT:-3300}" --output "$results" --env "CI=${CI:-}" -- bash -c '
  cd "$0"
  for test; do
    bash "./$test" 2>&1 | tee "/lab/out/$test.log"
    echo "${PIPESTATUS[0]}" >"/lab/out/$test.status"
  done' "$(dirname "$(readlink -f "$run")")" "${tests[@]}" || status=$?

passed=0 failed=0 skipped=0
for test in "${tests[@]}"; do
  # No status: the guest ended before the test did.
  ended=$(cat "$results/$test.status" 2>/dev/null) || ended="nothing, the guest with $status"
  counts=$(sed -nE 's/^[a-z-]+: ([0-9]+) passed, ([0-9]+) failed, ([0-9]+) skipped$/\1 \2 \3/p' "$results/$test.log" 2>/dev/null | tail -n 1)
  read -r good bad left <<<"${counts:-0 0 0}"
  if [ "$ended" != 0 ] && [ "$bad" -eq 0 ]; then
    printf 'FAILED: %s ended with %s\n' "$test" "$ended"
    bad=1
  elif [ -z "$counts" ]; then
    good=1
  fi
  passed=$((passed + good)) failed=$((failed + bad)) skipped=$((skipped + left))
done
finish "$passed" "$failed" "$skipped"
