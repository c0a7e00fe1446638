#!/usr/bin/env bash
# Tests of lab-vm; a dozen boots of the guest, two minutes where processors are emulated. The last line is
# "lab-vm: N passed, N failed, N skipped", above it a line "skipped: <test>: <reason>" for each that this machine cannot run. With
# CI=true these are failures. The same goes to scripts/test/report.mjs.
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")" || exit 1
lab_vm=$PWD/lab-vm
scratch=$(mktemp -d -t lab-vm-test.XXXXXX)
trap 'rm -rf "$scratch"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
# lab-vm's own folders go here, so that a test can see whether they went away.
export TMPDIR=$scratch/tmp
mkdir "$TMPDIR"

# Each test is a function run in a subshell; wrong ends it.
wrong() {
  printf '  %s\n' "$*"
  exit 1
}
# run STATUS ARGUMENT...: lab-vm with these arguments must end with STATUS; leaves $scratch/out and $scratch/err.
run() {
  local want=$1 status=0
  shift
  "$lab_vm" "$@" >"$scratch/out" 2>"$scratch/err" || status=$?
  [ "$status" -eq "$want" ] || wrong "status $status instead of $want; standard error: $(tail -n 5 "$scratch/err")"
}
out_has() { grep -qe "$1" "$scratch/out" || wrong "standard output lacks '$1': $(head -n 20 "$scratch/out")"; }
err_has() { grep -qe "$1" "$scratch/err" || wrong "standard error lacks '$1': $(head -n 20 "$scratch/err")"; }
# Nothing that lab-vm started or made is left: no folder, and no guest, whose command line would name one.
nothing_left() {
  local n
  for n in $(seq 50); do
    pgrep -f "file:$TMPDIR/lab-vm" >/dev/null || break
    [ "$n" -lt 50 ] || wrong "a guest is left"
    sleep 0.1
  done
  [ -z "$(ls -A "$TMPDIR")" ] || wrong "left behind: $(ls "$TMPDIR")"
}

# --- without a guest ---

help_names_every_option() {
  local option
  run 0 --help
  for option in memory cpus hugepages modules nvme nic iommu output env timeout accel kernel-root qemu-arg verbose check; do
    out_has "--$option"
  done
}

wrong_options_are_named() {
  run 125 --no-such-option -- true
  err_has "no-such-option"
  run 125 --memory lots -- true
  err_has "--memory lots: not a whole number"
  run 125 --hugepages 4096 -- true
  err_has "--hugepages 4096: 8192 MiB do not fit"
  run 125 --nic 'E1000 E' -- true
  err_has "--nic E1000 E"
  run 125 --output "$scratch/none" -- true
  err_has "$scratch/none: no such folder"
  run 125 --env NO_SUCH_VARIABLE -- true
  err_has "NO_SUCH_VARIABLE: not set"
  run 125 --iommu=40 -- true
  err_has "--iommu=40: 39 or 48"
  run 125 --accel fast -- true
  err_has "--accel fast"
  run 125
  err_has "no command"
}

a_missing_kernel_is_named_with_its_package() {
  mkdir "$scratch/empty"
  run 125 --kernel-root "$scratch/empty" -- true
  err_has "no kernel for the guest below $scratch/empty/boot"
  err_has "apt-get install -y --no-install-recommends .*linux-image-amd64"
  mkdir -p "$scratch/unfit/boot" "$scratch/unfit/lib/modules/1.2.3"
  : >"$scratch/unfit/boot/vmlinuz-1.2.3"
  run 125 --kernel-root "$scratch/unfit" -- true
  err_has "1.2.3 has no modules.dep"
  nothing_left
}

missing_programs_are_named_with_their_packages() {
  local name
  mkdir "$scratch/bin"
  # Everything but QEMU and cpio.
  for name in bash cat dirname readlink getopt uname grep ldd mkdir modprobe find sort awk id basename busybox timeout setpriv stat; do
    ln -s "$(command -v "$name")" "$scratch/bin/$name"
  done
  PATH=$scratch/bin run 125 -- true
  err_has "no qemu-system-x86_64"
  err_has "no cpio"
  err_has "apt-get install .*qemu-system-x86 .*cpio"
  PATH=$scratch/bin run 1 --check
  out_has "missing  no qemu-system-x86_64"
  out_has "as root: apt-get install\|as root: apt-get update"
}

# --- with a guest ---

status_output_and_surroundings_come_through() {
  local host_file=$scratch/written-by-the-guest
  mkdir "$scratch/share"
  head -c 3000000 /dev/urandom >"$scratch/bytes"
  # shellcheck disable=SC2016 # the guest expands these
  ANSWER=42 run 7 --output "$scratch/share" --env ANSWER --env 'SPACED=a  b$c' --memory 1024 --cpus 1 -- bash -c '
    cat "$0/bytes"
    { pwd; echo "$ANSWER/$SPACED/$PATH/$(id -u)/$(nproc)"; sha256sum <"$0/bytes"; } >&2
    echo kept >/lab/out/kept
    echo gone >"$1"
    exec sleep 1000 & # must not hold the guest up
    read -r line && echo "standard input is not empty" >&2
    exit 7' "$scratch" "$host_file"
  cmp "$scratch/bytes" "$scratch/out" || wrong "standard output is not what the command wrote"
  printf '%s\n' "$PWD" "42/a  b\$c/$PATH/0/1" "$(sha256sum <"$scratch/bytes")" | cmp - "$scratch/err" ||
    wrong "standard error: $(cat "$scratch/err")"
  [ "$(cat "$scratch/share/kept")" = kept ] || wrong "--output: the guest's file is not there"
  [ ! -e "$host_file" ] || wrong "the guest wrote on the host"
  nothing_left
}

devices_are_there() {
  # shellcheck disable=SC2016 # the guest expands these
  run 0 --memory 1024 --hugepages 16 --modules nvme,vfio-pci --nvme 2 --nvme-size 8 --iommu=39 \
    --nic e1000e,mac=02:00:00:00:00:0a --nic virtio-net-pci --qemu-arg -device --qemu-arg pci-testdev -- bash -c '
    modprobe -a virtio_net e1000e
    cat /sys/class/net/*/address
    for d in /sys/bus/pci/devices/*; do echo "pci $(cat "$d/vendor") $(cat "$d/device") group $(basename "$(readlink "$d/iommu_group")")"; done
    cat /sys/block/nvme0n1/size
    echo "IOMMU addresses: $(((0x$(cat /sys/class/iommu/dmar0/intel-iommu/cap) >> 16 & 63) + 1)) bits"
    grep HugePages_Total /proc/meminfo
    mountpoint /dev/hugepages
    ls /sys/bus/pci/drivers/vfio-pci >/dev/null && echo vfio-pci'
  out_has "^02:00:00:00:00:0a$"
  out_has "^02:00:00:00:00:02$"
  out_has "^pci 0x8086 0x10d3 group [0-9]"
  [ "$(grep -c '^pci 0x1b36 0x0010 ' "$scratch/out")" -eq 2 ] || wrong "not two NVMe controllers: $(cat "$scratch/out")"
  out_has "^pci 0x1b36 0x0005 " # QEMU's pci-testdev
  out_has "^$((8 * 2048))$"
  out_has "^IOMMU addresses: 39 bits$"
  out_has "^HugePages_Total: *16$"
  out_has "^/dev/hugepages is a mountpoint"
  out_has "^vfio-pci$"
}

a_kernel_from_another_folder_and_a_signal_is_handed_back() {
  mkdir "$scratch/elsewhere"
  ln -s /boot /lib "$scratch/elsewhere/"
  # shellcheck disable=SC2016 # the guest expands it
  run 139 --kernel-root "$scratch/elsewhere" --modules dummy -- bash -c 'findmnt /lib/modules; lsmod; kill -SEGV $$'
  out_has "/lib/modules"
  out_has "^dummy "
}

# Waits until there is a guest, or with "no" until the last is gone.
until_guest() {
  local n
  for n in $(seq 600); do
    if pgrep -f "file:$TMPDIR/lab-vm" >/dev/null; then [ "${1:-}" = no ] || return 0; else [ "${1:-}" != no ] || return 0; fi
    sleep 0.1
  done
  wrong "${1:-a} guest within a minute"
}

# Nothing is read before the guest has ended.
a_slow_reader_gets_all() {
  "$lab_vm" -- head -c 4000000 /dev/zero | { until_guest && until_guest no && wc -c; } >"$scratch/out"
  out_has "^4000000$"
}

over_time_is_124() {
  local start=$SECONDS
  run 124 --timeout 12 -- sleep 1000
  err_has "over its time of 12 s"
  [ $((SECONDS - start)) -le 20 ] || wrong "took $((SECONDS - start)) s"
  nothing_left
}

a_panic_is_125_and_shown() {
  run 125 -- bash -c 'echo c >/proc/sysrq-trigger'
  err_has "Kernel panic"
  err_has "the guest ended without a status"
  nothing_left
}

a_missing_module_is_125_and_named() {
  run 125 --modules no_such_module -- true
  err_has "--modules no_such_module: .*not found"
}

what_qemu_refuses_is_shown() {
  run 125 --nic no-such-card -- true
  err_has "no-such-card"
  nothing_left
}

# interrupt SIGNAL: sends it to lab-vm while its command runs, and prints lab-vm's status.
interrupt() {
  local pid n status=0
  # A shell without job control starts background commands with SIGINT ignored.
  env --default-signal=INT "$lab_vm" -- bash -c 'echo running; exec sleep 1000' >"$scratch/out" 2>"$scratch/err" &
  pid=$!
  for n in $(seq 600); do
    grep -q running "$scratch/out" && break
    [ "$n" -lt 600 ] || wrong "the command did not start within a minute: $(cat "$scratch/err")"
    sleep 0.1
  done
  kill "-$1" "$pid"
  wait "$pid" || status=$?
  printf '%s' "$status"
}

ctrl_c_ends_the_guest() {
  local status
  status=$(interrupt INT) || wrong "$status"
  [ "$status" -eq 130 ] || wrong "status $status instead of 130"
  nothing_left
}

the_guest_does_not_outlive_a_killed_lab_vm() {
  local status n
  status=$(interrupt KILL) || wrong "$status"
  [ "$status" -eq 137 ] || wrong "status $status instead of 137"
  for n in $(seq 100); do
    pgrep -f "file:$TMPDIR/lab-vm" >/dev/null || break
    [ "$n" -lt 100 ] || wrong "the guest lives on"
    sleep 0.1
  done
  rm -rf "$TMPDIR"/lab-vm.* # which nobody was left to remove
}

nobody_reading_ends_the_guest() {
  local start=$SECONDS status
  "$lab_vm" -- bash -c 'while :; do echo line; sleep 0.1; done' 2>"$scratch/err" | head -n 1 >"$scratch/out"
  status=${PIPESTATUS[0]}
  [ "$status" -eq 141 ] || wrong "status $status instead of 141"
  [ "$(cat "$scratch/out")" = line ] || wrong "read: $(cat "$scratch/out")"
  [ $((SECONDS - start)) -le 120 ] || wrong "took $((SECONDS - start)) s"
  nothing_left
}

passed=0 failed=0 skipped=0
# tell STATUS TEST [REASON]: for the report, a line.
tell() { printf '%s\t%s\t%s\n' "$1" "${2//_/ }" "$(tr '\n\t' '  ' <<<"${3:-}")" >>"$scratch/report"; }
perform() {
  local test=$1 start=$SECONDS report
  if report=$("$test" 2>&1); then
    passed=$((passed + 1))
    tell passed "$test"
    printf 'ok      %4d s  %s\n' "$((SECONDS - start))" "${test//_/ }"
  else
    failed=$((failed + 1))
    tell failed "$test" "$report"
    printf 'FAILED  %4d s  %s\n%s\n' "$((SECONDS - start))" "${test//_/ }" "$report"
  fi
}

anywhere=(help_names_every_option wrong_options_are_named)
where_all_is_installed=(a_missing_kernel_is_named_with_its_package missing_programs_are_named_with_their_packages
  status_output_and_surroundings_come_through devices_are_there
  a_kernel_from_another_folder_and_a_signal_is_handed_back a_slow_reader_gets_all over_time_is_124 a_panic_is_125_and_shown a_missing_module_is_125_and_named what_qemu_refuses_is_shown ctrl_c_ends_the_guest
  the_guest_does_not_outlive_a_killed_lab_vm nobody_reading_ends_the_guest)
chosen=("$@")

lacking=$("$lab_vm" --check | sed -n 's/^missing  //p' | paste -sd ';')
for test in "${anywhere[@]}" "${where_all_is_installed[@]}"; do
  [ ${#chosen[@]} -eq 0 ] || [[ " ${chosen[*]} " == *" $test "* ]] || continue
  if [ -n "$lacking" ] && [[ " ${anywhere[*]} " != *" $test "* ]]; then
    if [ "${CI:-}" = true ]; then
      failed=$((failed + 1))
      tell failed "$test" "cannot run here: $lacking"
      printf 'FAILED          %s\n  cannot run here: %s\n' "${test//_/ }" "$lacking"
    else
      skipped=$((skipped + 1))
      tell skipped "$test" "$lacking"
      printf 'skipped: %s: %s\n' "${test//_/ }" "$lacking"
    fi
    continue
  fi
  perform "$test"
done
node "$(dirname "$lab_vm")/../../scripts/test/report.mjs" <"$scratch/report"
printf 'lab-vm: %d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
[ "$failed" -eq 0 ]
