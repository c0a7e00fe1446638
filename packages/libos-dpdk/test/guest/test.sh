#!/usr/bin/env bash
# The tests that need a PCI network card, in one guest: `test.sh [script...]`, by default those named below. A script is one test; it has
# the guest of run.sh and passes with status 0. The last line is "guest: N passed, N failed, N skipped". Where lab-vm cannot run they are
# skipped with the reason, with CI=true failed.
set -uo pipefail
here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
tests=("$@")
[ $# -gt 0 ] || tests=(nic.sh unprivileged.sh)

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
"$here/run.sh" --timeout "${GUEST_TIMEOUT:-600}" --output "$results" --env "CI=${CI:-}" -- bash -c '
  cd "$0"
  for test; do
    if bash "./$test"; then echo "$test" >>/lab/out/passed; else echo "FAILED: $test"; fi
  done' "$here" "${tests[@]}" || status=$?
passed=0
[ ! -e "$results/passed" ] || passed=$(wc -l <"$results/passed")
[ "$status" -eq 0 ] || printf 'the guest ended with status %d\n' "$status"
finish "$passed" $((${#tests[@]} - passed)) 0
