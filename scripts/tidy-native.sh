#!/usr/bin/env bash
# clang-tidy over the C++ of all packages, with the checks of .clang-tidy. Minutes, so not part of scripts/test.sh. Needs clang-tidy
# and installed dependencies (for Node-API's headers); with paths as arguments only these files are checked.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
headers=$(node -p 'const { createRequire } = require("node:module"), { dirname } = require("node:path");
  const { resolve } = createRequire(process.cwd() + "/packages/core/package.json");
  const at = (name) => dirname(resolve(name + "/package.json"));
  `-isystem ${at("node-api-headers")}/include -isystem ${at("node-addon-api")}`')

files=("$@")
if [ $# -eq 0 ]; then
  mapfile -t files < <(find packages docs -type d \( -name node_modules -o -name build -o -name dist \) -prune -o -type f -name '*.cc' -print)
fi
# shellcheck disable=SC2086
printf '%s\0' "${files[@]}" | xargs -0 -P 2 -I{} clang-tidy --quiet {} -- -x c++ -std=c++20 -DNAPI_VERSION=9 -DNAPI_CPP_EXCEPTIONS \
  -DNODE_ADDON_API_DISABLE_DEPRECATED -Ipackages/core/native/include -Ipackages/core/native/tests -Ipackages/libos-posix/native $headers
