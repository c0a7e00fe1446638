# The initramfs: busybox, guest/initramfs-init and the modules that reach the root file system. Made once per kernel.
# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # the files of lab-vm share their variables

# The 9p root and its overlay, and the ports that carry standard output and standard error.
initramfs_modules=(virtio_pci virtio_console 9pnet_virtio 9p overlay)
initramfs=''

# copy_module FILE FOLDER NUMBER: busybox's insmod reads plain modules; some distributions compress them.
copy_module() {
  local name target tool
  name=$(basename "$1")
  target=$2/$(printf '%02d' "$3")-${name%%.ko*}.ko
  if tool=$(decompressor "$1"); then
    "$tool" -dc <"$1" >"$target" || fail "$1 could not be unpacked; is $tool installed?"
  else
    cp "$1" "$target"
  fi
}

build_initramfs() {
  local tree=$1 image=$2 number=0 file
  mkdir -p "$tree"/{bin,modules,proc,sys,dev,lower,upper,root}
  cp "$(command -v busybox)" "$tree/bin/busybox"
  install -m 755 "$here/guest/initramfs-init" "$tree/init"
  while read -r file; do
    number=$((number + 1))
    copy_module "$file" "$tree/modules" "$number"
  done < <(module_files "$kernel_version" "${initramfs_modules[@]}")
  (cd "$tree" && find . | cpio -o -H newc --quiet) >"$image"
}

prepare_initramfs() {
  local name key
  name=$(cache_folder)/initramfs-$kernel_version
  key=$(cat "$here/guest/initramfs-init" "$here/initramfs.sh" "$(command -v busybox)" | sha256sum | head -c 12)
  initramfs=$name-$key.cpio
  [ -s "$initramfs" ] && return
  explain "making the initramfs for kernel $kernel_version"
  make_draft
  build_initramfs "$draft/tree" "$draft/image"
  keep_draft image "$initramfs" "$name-"
}
