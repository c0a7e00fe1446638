# What lab-vm needs of the machine: check_machine reports it, require_machine ends with what is missing.
# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # the files of lab-vm share their variables

# One per line: Debian package, command, what it is for.
needed_commands() {
  cat <<'LIST'
qemu-system-x86 qemu-system-x86_64 the guest
busybox-static busybox the guest's first program
cpio cpio to pack its initramfs
kmod modprobe to find kernel modules
coreutils timeout to end the guest in time
util-linux setpriv to end the guest with lab-vm
LIST
}

# A dynamic busybox would look for a libc that the initramfs has not.
busybox_is_static() { [[ $(ldd "$(command -v busybox)" 2>/dev/null) != *'=>'* ]]; }

# examine FOUND MISSING: calls FOUND with a sentence for what is there, and MISSING with a package and a sentence for what is not.
# A package that is empty: no package brings it.
examine() {
  local found=$1 missing=$2 package program purpose
  if [ "$(uname -s)-$(uname -m)" = Linux-x86_64 ]; then
    "$found" "Linux on x86-64"
  else
    "$missing" "" "this is $(uname -s) on $(uname -m): the guest's root is this machine's, so it must be Linux on x86-64"
  fi
  while read -r package program purpose; do
    if ! command -v "$program" >/dev/null; then
      "$missing" "$package" "no $program ($purpose)"
    elif [ "$program" = busybox ] && ! busybox_is_static; then
      "$missing" "$package" "busybox is not statically linked"
    else
      "$found" "$program, $purpose"
    fi
  done < <(needed_commands)
  if ! command -v modprobe >/dev/null; then
    "$missing" linux-image-amd64 "no kernel can be looked for without modprobe"
  elif find_kernel; then
    "$found" "kernel $kernel_version for the guest"
  else
    "$missing" linux-image-amd64 "$kernel_problem"
  fi
  if [ "$accel" = kvm ] && ! [ -w /dev/kvm ]; then "$missing" "" "/dev/kvm is not writable; use --accel tcg"; fi
  mkdir -p "$(cache_folder)" 2>/dev/null || "$missing" "" "cannot make the folder $(cache_folder); set LAB_VM_CACHE to another"
}

missing_packages=() missing_reasons=()
note_missing() {
  [ -z "$1" ] || missing_packages+=("$1")
  missing_reasons+=("$2")
}
install_line() { printf 'apt-get update && apt-get install -y --no-install-recommends %s' "${missing_packages[*]}"; }
found_quietly() { :; }

require_machine() {
  examine found_quietly note_missing
  [ ${#missing_reasons[@]} -eq 0 ] && return
  local reason
  for reason in "${missing_reasons[@]}"; do printf 'lab-vm: %s\n' "$reason" >&2; done
  # Of Debian 12; elsewhere the names differ a little, as linux-image-generic on Ubuntu.
  [ ${#missing_packages[@]} -eq 0 ] || printf 'lab-vm: as root: %s\n' "$(install_line)" >&2
  exit 125
}

say_found() { printf 'ok       %s\n' "$1"; }
say_missing() {
  printf 'missing  %s\n' "$2"
  note_missing "$@"
}

check_machine() {
  examine say_found say_missing
  # The processor's flags tell whether the guest's kernel would run on it directly; the device alone does not.
  if [ -w /dev/kvm ] && grep -qwE 'vmx|svm' /proc/cpuinfo; then
    printf 'ok       /dev/kvm: --accel kvm should work and is many times faster\n'
  else
    printf 'note     no usable KVM: processors are emulated, which is slow but does everything\n'
  fi
  [ ${#missing_reasons[@]} -eq 0 ] && return
  [ ${#missing_packages[@]} -eq 0 ] || printf '\nas root: %s\n' "$(install_line)"
  return 1
}
