#!/usr/bin/env bash
# clang-format over the project's C and C++: rewrites, or with --check only says what it would rewrite and fails.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
mode=(-i)
[ "${1:-}" = --check ] && mode=(--dry-run --Werror)
find packages docs -type d \( -name node_modules -o -name build -o -name dist \) -prune -o \
  -type f \( -name '*.hpp' -o -name '*.cpp' -o -name '*.cc' -o -name '*.h' -o -name '*.c' \) -print0 |
  xargs -0 --no-run-if-empty clang-format "${mode[@]}"
