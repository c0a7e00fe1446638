# What demo.sh and test.sh share; sourced by them. Brings a machine from a bare Debian 12 with Node.js to a built checkout and
# does only what is missing: with everything in place it runs no package manager as root and downloads nothing.
# shellcheck shell=bash

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
pnpm_version=12.21.0 # as in package.json "packageManager"
export TURBO_TELEMETRY_DISABLED=1 DO_NOT_TRACK=1

say() { printf '%s\n' "$*"; }
step() { printf '== %s\n' "$*"; }
# Ends the script with a sentence that says what to do.
fail() {
  printf '\n%s: %s\n' "$(basename "$0")" "$*" >&2
  exit 1
}

# run_logged LOG COMMAND...: keeps the output in LOG and shows its end when the command fails.
run_logged() {
  local log=$1 status
  shift
  "$@" >"$log" 2>&1 </dev/null && return 0
  status=$?
  tail -n 60 "$log" >&2
  return "$status"
}

require_linux() {
  [ "$(uname -s)" = Linux ] || fail "this needs Linux; the backends use its system calls."
}

require_node() {
  command -v node >/dev/null ||
    fail "no 'node' found. Install Node.js 20.17 or newer (https://nodejs.org/en/download), then run this again."
  node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 17) ? 0 : 1)' ||
    fail "Node.js $(node --version) is too old: 20.17 or newer is needed."
  command -v npm >/dev/null || fail "no 'npm' found beside node. It comes with Node.js; install the full distribution."
}

installed() { dpkg-query -W -f '${db:Status-Abbrev}' "$1" 2>/dev/null | grep -q '^ii'; }

# A requirement is "<Debian package>=<command or absolute path that proves it>", or the package alone. Prints the packages that are missing.
missing_packages() {
  local need package proof
  for need in "$@"; do
    package=${need%%=*} proof=${need#*=}
    case $proof in
      /*) [ -e "$proof" ] && continue ;;
      *) command -v "$proof" >/dev/null && continue ;;
    esac
    installed "$package" || printf '%s ' "$package"
  done
}

# Installs Debian packages with apt, as root or through sudo. Where it cannot, install_problem says why and what to do.
install_packages() {
  local become=() line="apt-get update && apt-get install -y --no-install-recommends $*" log
  install_problem=
  if ! command -v apt-get >/dev/null; then
    install_problem="missing: $* (names as in Debian), and there is no apt-get here. Install them with your package manager, then run this again."
    return 1
  fi
  if [ "$(id -u)" -ne 0 ]; then
    if command -v sudo >/dev/null && { sudo -n true 2>/dev/null || { [ -t 0 ] && [ -t 2 ]; }; }; then
      become=(sudo)
    else
      install_problem="missing: $*. This needs root; run this line as root, then run this again:
  $line"
      return 1
    fi
  fi
  say "system packages: installing $*"
  log=$(mktemp)
  if ! run_logged "$log" "${become[@]}" env DEBIAN_FRONTEND=noninteractive apt-get update ||
    ! run_logged "$log" "${become[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@"; then
    rm -f "$log"
    install_problem="apt-get could not install $*. Is the network up, and does /etc/apt/sources.list name a mirror? By hand: $line"
    return 1
  fi
  rm -f "$log"
}

# Installs what is missing of the requirements; ends the script where it cannot.
require_packages() {
  local missing
  read -ra missing <<<"$(missing_packages "$@")"
  if [ ${#missing[@]} -eq 0 ]; then
    say "system packages: all there"
    return
  fi
  install_packages "${missing[@]}" || fail "$install_problem"
}

# The same for what only some tests need: where it cannot be installed they say that they are skipped, or with CI=true fail.
want_packages() {
  local missing
  read -ra missing <<<"$(missing_packages "$@")"
  [ ${#missing[@]} -eq 0 ] || install_packages "${missing[@]}" || say "system packages: going on without some. $install_problem"
}

build_packages() {
  local needs=("g++=g++" "cmake=cmake" "liburing-dev=/usr/include/liburing.h"
    # Scripts of apps-redis.
    "pkg-config=pkg-config" "liblua5.1-0-dev=/usr/include/lua5.1/lua.h")
  # cmake-js takes either; make is enough.
  command -v ninja >/dev/null || needs+=("make=make")
  require_packages "${needs[@]}" "$@"
}

# pnpm of the pinned version on PATH: turbo and the packages' scripts call it by name. The project keeps its own copy in .tools/
# where the machine has none (corepack would need registry signatures that mirrors often do not serve).
require_pnpm() {
  if [ "$(pnpm --version 2>/dev/null </dev/null)" != "$pnpm_version" ]; then
    export PATH="$root/.tools/node_modules/.bin:$PATH"
    if [ "$(pnpm --version 2>/dev/null </dev/null)" != "$pnpm_version" ]; then
      say "pnpm: installing $pnpm_version into .tools/"
      mkdir -p "$root/.tools"
      # npm's own retries would keep a machine without a network waiting for minutes.
      run_logged "$root/.tools/npm.log" npm install --prefix "$root/.tools" --no-save --no-package-lock --no-audit --no-fund \
        --fetch-retries=2 --fetch-retry-mintimeout=1000 --fetch-retry-maxtimeout=5000 "pnpm@$pnpm_version" ||
        fail "npm could not fetch pnpm $pnpm_version. Is the network up, and is the registry right ('npm config get registry')?"
    fi
  fi
  say "pnpm: $(pnpm --version </dev/null)"
}

# Dependencies and all packages, built. Both are quick when nothing changed.
install_and_build() {
  mkdir -p "$root/.tools"
  cd "$root" || exit 1
  local start=$SECONDS
  say "dependencies: pnpm install"
  # Without a terminal pnpm would refuse to replace a node_modules made by another version instead of asking.
  run_logged .tools/install.log pnpm install --frozen-lockfile --config.confirmModulesPurge=false ||
    fail "pnpm install failed. Is the network up, and is the registry right ('npm config get registry')? Log: .tools/install.log"
  say "dependencies: there ($((SECONDS - start)) s)"
  start=$SECONDS
  say "packages: building (a minute or two the first time)"
  run_logged .tools/build.log pnpm exec turbo run build --output-logs=errors-only ||
    fail "the build failed; what the compiler said is above and in .tools/build.log."
  say "packages: built ($((SECONDS - start)) s)"
}
