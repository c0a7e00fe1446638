#!/usr/bin/env bash
# A test inside the guest: test/interop, a peer in C on plain librdmacm and libibverbs, and this backend talk to one another in both roles.
set -euo pipefail
here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
"$here/prepare-rxe.sh"
build=$(mktemp -d)
trap 'rm -rf "$build"' EXIT
make -s -f "$here/../interop/Makefile" BUILD="$build"
INTEROP_PEER=$build/peer node "$here/interop.mjs"
