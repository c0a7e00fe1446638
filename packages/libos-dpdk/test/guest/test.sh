#!/usr/bin/env bash
# The tests that need a PCI network card, in one guest: `test.sh [script...]`, by default those named below. A script has the guest of
# run.sh and passes with status 0; it is one test, or as many as its last line "<name>: N passed, N failed, N skipped" says. The last
# line here is the sum, "guest: N passed, N failed, N skipped". Where lab-vm cannot run they are skipped with the reason, with CI=true
# failed.
set -uo pipefail
here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
tests=("$@")
[ $# -gt 0 ] || tests=(nic.sh unprivileged.sh iommu.sh conformance.sh)

finish() {
  printf 'guest: %d passed, %d failed, %d skipped\n' "$1" "$2" "$3"
  exit $(($2 > 0))
}
lacking=$("$here/../../../../tools/lab-vm/lab-vm" --check | sed -n 's/^missing  //p' | paste -sd ';')
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
"$here/run.sh" --timeout "${GUEST_TIMEOUT:-3300}" --output "$results" --env "CI=${CI:-}" -- bash -c '
  cd "$0"
  for test; do
    bash "./$test" 2>&1 | tee "/lab/out/$test.log"
    echo "${PIPESTATUS[0]}" >"/lab/out/$test.status"
  done' "$here" "${tests[@]}" || status=$?

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
