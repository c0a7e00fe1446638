# One run of the guest: its folder, its life, its output, its status.
# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # the files of lab-vm share their variables

run='' guest='' readers=()

# However lab-vm ends: no guest, no folder of this run, no half-made file in the cache.
clean_up() {
  local folder
  # timeout passes the signal on to QEMU and kills it when it does not heed it.
  [ -z "$guest" ] || kill -TERM "$guest" 2>/dev/null || true
  [ ${#readers[@]} -eq 0 ] || kill -TERM "${readers[@]}" 2>/dev/null || true
  wait
  for folder in "$run" "$draft"; do [ -z "$folder" ] || rm -rf "$folder"; done
}

# What the guest's process 1 reads: the settings and the command, quoted for bash.
write_share() {
  local entry
  mkdir "$run/share"
  cp "$here/guest/init" "$run/share/init"
  {
    printf 'hugepages=%d output=%q kernel_root=%q modules=(' "$hugepages" "$output" "$kernel_root"
    [ ${#modules[@]} -eq 0 ] || printf '%q ' "${modules[@]}"
    printf ')\n'
  } >"$run/share/settings"
  {
    printf 'cd %q || exit 125\n' "$PWD"
    printf 'export PATH=%q HOME=%q LANG=C.UTF-8 TERM=dumb LAB_VM=1\n' "$PATH" "${HOME:-/root}"
    for entry in "${environment[@]}"; do printf 'export %q\n' "$entry"; done
    printf 'exec'
    printf ' %q' "${command[@]}"
    printf '\n'
  } >"$run/share/command"
}

# stream FILE: copies what the guest writes, as it comes, until the guest has ended.
stream() { tail -q -c +1 -s 0.1 -f --pid="$guest" "$1"; }

start_guest() {
  : >"$run/stdout"
  : >"$run/stderr"
  # pdeathsig: the guest also ends when lab-vm is killed.
  setpriv --pdeathsig TERM timeout --kill-after=5 "$limit" "${qemu[@]}" </dev/null >"$run/qemu" 2>&1 &
  guest=$!
  stream "$run/stdout" &
  readers=("$!")
  stream "$run/stderr" >&2 &
  readers+=("$!")
}

# Waits for the guest and sets `ended` to how QEMU ended. When nobody reads lab-vm's output any more (`lab-vm ... | head -1`), the rest of
# the run is of no use, and SIGPIPE's status is due.
ended=0
wait_for_guest() {
  local one status
  local -A running=(["$guest"]=1 ["${readers[0]}"]=1 ["${readers[1]}"]=1)
  while [ ${#running[@]} -gt 0 ]; do
    status=0
    wait -n -p one "${!running[@]}" || status=$?
    unset "running[$one]"
    if [ "$one" = "$guest" ]; then
      ended=$status
    elif [ "$status" -ne 0 ]; then
      exit 141
    fi
  done
  guest='' readers=()
}

show_end_of() { [ ! -s "$1" ] || tail -n "$2" "$1" >&2; }

run_guest() {
  run=$(mktemp -d -t lab-vm.XXXXXX)
  write_share
  build_qemu "$run"
  explain "$(printf '%q ' "${qemu[@]}")"
  local start=$SECONDS
  start_guest
  wait_for_guest
  explain "the command started $(cat "$run/share/booted" 2>/dev/null || echo never) s after the kernel; $((SECONDS - start)) s in all"
  [ "$verbose" -eq 0 ] || cat "$run/console" >&2
  if [ -s "$run/share/status" ]; then exit "$(cat "$run/share/status")"; fi
  if [ -s "$run/share/error" ]; then fail "$(cat "$run/share/error")"; fi
  # 137: QEMU had to be killed.
  if [ "$ended" -eq 124 ] || { [ "$ended" -eq 137 ] && [ $((SECONDS - start)) -ge "$limit" ]; }; then
    printf 'lab-vm: over its time of %s s\n' "$limit" >&2
    show_end_of "$run/console" 5
    exit 124
  fi
  show_end_of "$run/qemu" 20
  show_end_of "$run/console" 60 # a panic with its registers and its stack
  fail "the guest ended without a status (QEMU's own: $ended)"
}
