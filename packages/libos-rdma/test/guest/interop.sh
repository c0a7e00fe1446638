#!/usr/bin/env bash
# A test inside the guest: test/interop, a peer in C on plain librdmacm and libibverbs, and this backend talk to one another in both roles.
set -euo pipefail
here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
"$here/prepare-rxe.sh"
# test.sh has built it before the guest: compilers are slow on emulated processors.
build=$(readlink -f "$here/../..")/build/interop
mkdir -p "$build"
make -s -f "$here/../interop/Makefile" BUILD="$build" "$build/peer"
INTEROP_PEER=$build/peer exec node "$here/interop.mjs"
