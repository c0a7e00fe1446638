#!/usr/bin/env bash
# Builds the programs of test/interop that are named, peer or hostile, where that has not been done, and prints their paths. test.sh calls it
# before the guest: compilers are slow on emulated processors.
set -euo pipefail
package=$(readlink -f "$(dirname "$(readlink -f "$0")")/../..")
build=$package/build/interop
mkdir -p "$build"
make -s -f "$package/test/interop/Makefile" BUILD="$build" "${@/#/$build/}" >&2
printf '%s\n' "${@/#/$build/}"
