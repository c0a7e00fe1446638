#!/usr/bin/env bash
# clang-tidy over the C++ of all packages, with the checks of .clang-tidy. Minutes, so not part of scripts/test.sh.
# Needs clang-tidy, and a build (`pnpm build`) for the include paths of Node-API.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
api=$(node -p 'require("node:module").createRequire(process.cwd() + "/packages/core/package.json").resolve("node-api-headers/package.json").replace(/\/package.json$/, "/include")')
addon=$(node -p 'require("node:module").createRequire(process.cwd() + "/packages/core/package.json").resolve("node-addon-api/package.json").replace(/\/package.json$/, "")')
find packages -type d \( -name node_modules -o -name build -o -name dist \) -prune -o -type f \( -name '*.cpp' -o -name '*.cc' \) -print0 |
  xargs -0 --no-run-if-empty -n 1 -P 2 -I{} clang-tidy --quiet {} -- -x c++ -std=c++20 -DNAPI_VERSION=9 -DNAPI_DISABLE_CPP_EXCEPTIONS \
    -Ipackages/core/native/include -Ipackages/core/native -isystem "$api" -isystem "$addon"
