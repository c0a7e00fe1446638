#!/usr/bin/env bash
# A test inside the guest: the conformance suite over verbs, with a wire between both ends of every connection.
#
#   conformance.sh [--worker] [group...]     in a Worker instead of the main thread; only groups whose names contain one of these words
set -euo pipefail
# shellcheck source=tools/lab-vm/guest-kit.sh
. "$(dirname "$(readlink -f "$0")")/../../../../tools/lab-vm/guest-kit.sh"
"$here/prepare-rxe.sh" --mirror
# Packets that left, and that came back.
left() { cat /sys/class/net/v3/statistics/tx_packets; }
came() { cat /sys/class/net/v3/statistics/rx_packets; }
left=$(left) came=$(came) status=0
conformance "$here/target.mjs" "$@" || status=$?
left=$(($(left) - left)) came=$(($(came) - came))
say "$left packets left over the wire, $came came back"
# Each message, and its acknowledgement.
least=$([ $# -eq 0 ] && echo 50000 || echo 20)
if [ "$left" -lt "$least" ] || [ "$came" -lt "$least" ]; then
  echo "FAILED: fewer than $least packets crossed the wire"
  status=1
fi
exit "$status"
