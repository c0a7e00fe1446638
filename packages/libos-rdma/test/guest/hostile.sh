#!/usr/bin/env bash
# A test inside the guest: peers that do not keep to the wire format, in C on plain librdmacm and libibverbs, across a wire. hostile.mjs has
# the cases.
set -euo pipefail
here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
"$here/prepare-rxe.sh" --wire
# test.sh has built it before the guest: compilers are slow on emulated processors.
build=$(readlink -f "$here/../..")/build/interop
mkdir -p "$build"
make -s -f "$here/../interop/Makefile" BUILD="$build" "$build/hostile"
HOSTILE_PEER=$build/hostile exec node "$here/hostile.mjs" "$@"
