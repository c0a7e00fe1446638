# The guest's kernel: a distribution's, found below /boot or --kernel-root, unpacked once into the cache.
# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # the files of lab-vm share their variables

kernel_version='' kernel_image='' kernel_problem=''

# What is made for the cache lies here until it is complete.
draft=''
make_draft() { draft=$(mktemp -d "$(cache_folder)/draft.XXXXXX") || fail "cannot write to $(cache_folder); set LAB_VM_CACHE to another folder"; }

# keep_draft NAME FILE REPLACED: the finished NAME of the draft becomes FILE of the cache; what it replaces begins with REPLACED.
keep_draft() {
  rm -f "$3"*
  mv "$draft/$1" "$2"
  drop_draft
}
drop_draft() {
  rm -rf "$draft"
  draft=''
}

cache_folder() { printf '%s' "${LAB_VM_CACHE:-${XDG_CACHE_HOME:-${HOME:-/var/tmp}/.cache}/demikernel-lab-vm}"; }

# module_files VERSION MODULE...: the files to load for these modules, dependencies first. Fails when one is not to be had.
module_files() {
  local version=$1 name lines
  shift
  for name; do
    lines=$(modprobe ${kernel_root:+-d "$kernel_root"} -S "$version" --show-depends "$name" 2>/dev/null) || return 1
    awk '$1 == "insmod" { print $2 }' <<<"$lines"
  done | awk '!seen[$0]++'
}

# Sets kernel_version and kernel_image to the newest kernel that can mount a 9p root, or kernel_problem to why there is no such kernel.
find_kernel() {
  local version image unfit=()
  while read -r version; do
    image=$kernel_root/boot/vmlinuz-$version
    [ -e "$image" ] || continue
    if ! [ -r "$image" ]; then
      unfit+=("$image cannot be read by $(id -un)")
    elif ! [ -s "$kernel_root/lib/modules/$version/modules.dep" ]; then
      unfit+=("$version has no modules.dep (depmod ${kernel_root:+-b "$kernel_root" }$version makes it)")
    elif ! module_files "$version" "${initramfs_modules[@]}" >/dev/null; then
      # Kernels for clouds are built without 9p.
      unfit+=("$version lacks one of the modules ${initramfs_modules[*]}")
    else
      kernel_version=$version kernel_image=$image
      return 0
    fi
  done < <(find "$kernel_root/lib/modules/" -mindepth 1 -maxdepth 1 -printf '%f\n' 2>/dev/null | sort -rV)
  kernel_problem="no kernel for the guest below $kernel_root/boot"
  [ ${#unfit[@]} -eq 0 ] || kernel_problem+=": $(printf '%s; ' "${unfit[@]}")"
  kernel_problem=${kernel_problem%; }
  return 1
}

# decompressor FILE: the command that unpacks it, by its first bytes.
decompressor() {
  case $(od -An -tx1 -N6 "$1" | tr -d ' ') in
    fd377a585a00) printf 'xz' ;;
    28b52ffd*) printf 'zstd' ;;
    02214c18*) printf 'lz4' ;;
    1f8b*) printf 'gzip' ;;
    *) return 1 ;;
  esac
}

little_endian() { od -An -t"u$3" -j"$2" -N"$3" "$1" | tr -d ' '; }

# unpack_kernel BZIMAGE FILE: the ELF image in it. The header says where it is (the kernel's Documentation/arch/x86/boot.rst):
# setup_sects at 0x1f1, payload_offset at 0x248, payload_length at 0x24c.
unpack_kernel() {
  local setup offset length tool packed=$2.packed
  setup=$(little_endian "$1" $((0x1f1)) 1)
  offset=$(little_endian "$1" $((0x248)) 4)
  length=$(little_endian "$1" $((0x24c)) 4)
  tail -c +$(((setup + 1) * 512 + offset + 1)) "$1" | head -c "$length" >"$packed"
  # The build appends the unpacked size, which the tools complain about after they have done their work; what counts is what came out.
  if tool=$(decompressor "$packed"); then "$tool" -dc <"$packed" >"$2" 2>/dev/null || true; fi
  rm -f "$packed"
  [ "$(head -c 4 "$2" 2>/dev/null | tail -c 3)" = ELF ] || return 1
}

# Emulated processors take four seconds to unpack the kernel, this machine takes one, once. QEMU starts an ELF image at its PVH entry.
prepare_kernel() {
  local name unpacked
  name=$(cache_folder)/vmlinux-$kernel_version
  unpacked=$name-$(stat -Lc '%s-%Y' "$kernel_image")
  if ! [ -s "$unpacked" ]; then
    explain "unpacking $kernel_image into the cache"
    make_draft
    if ! unpack_kernel "$kernel_image" "$draft/vmlinux"; then
      drop_draft
      explain "$kernel_image could not be unpacked here; the guest does it at every boot"
      return
    fi
    keep_draft vmlinux "$unpacked" "$name-"
  fi
  kernel_image=$unpacked
}
