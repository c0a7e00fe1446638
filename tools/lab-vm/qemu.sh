# QEMU's command line for the guest that the options ask for.
# shellcheck shell=bash
# shellcheck disable=SC2034,SC2054,SC2154 # commas are QEMU's; the files of lab-vm share their variables

qemu=()

# share TAG FOLDER [OPTION]: a folder of this machine, by 9p. multidevs=remap: below it may lie several file systems.
share() {
  local path=${2//,/,,} # a comma in a value is written twice
  qemu+=(-fsdev "local,id=$1,path=$path,security_model=none,multidevs=remap${3:+,$3}" -device "virtio-9p-pci,fsdev=$1,mount_tag=$1")
}

# port NAME FILE: what the guest writes to its virtio port NAME. Regular files take everything at once; a pipe whose reader is slow
# would lose what QEMU still holds when the guest ends.
port() { qemu+=(-chardev "file,id=$1,path=${2//,/,,}" -device "virtserialport,chardev=$1,name=$1"); }

# build_qemu RUN: sets qemu. RUN is the folder of this run.
build_qemu() {
  local run=$1 machine=q35 n nic model properties
  # Left out are the self-tests and probes that take long on an emulated processor, half a second for each of the first two.
  local boot="console=ttyS0,115200 quiet loglevel=4 panic=-1 cryptomgr.notests initcall_blacklist=init_kprobe_trace edd=off"
  boot+=" mitigations=off random.trust_cpu=on"
  qemu=(qemu-system-x86_64 -nodefaults -no-user-config -no-reboot -display none -m "$memory" -smp "$cpus"
    -kernel "$kernel_image" -initrd "$initramfs" -serial "file:$run/console")
  case $accel in
    kvm) qemu+=(-accel kvm -cpu host) ;;
    tcg)
      # Without "enhanced rep movsb" the C library and the kernel clear and copy memory by vectors and words. A rep stosb is emulated
      # byte for byte: ten times slower, and a third of what starting Node.js took.
      qemu+=(-accel tcg,thread=multi -cpu max,-erms)
      boot+=" tsc=reliable no_timer_check"
      ;;
  esac
  if [ "$iommu" -ne 0 ]; then
    # Before every other device. Interrupt remapping under KVM needs the interrupt controller split.
    [ "$accel" = kvm ] && machine+=,kernel-irqchip=split
    qemu+=(-device "intel-iommu,intremap=on,caching-mode=on,aw-bits=$iommu")
    boot+=" intel_iommu=on"
  fi
  [ "$hugepages" -eq 0 ] || boot+=" hugepages=$hugepages"

  share root / readonly=on
  share lab "$run/share"
  [ -z "$output" ] || share out "$output"
  qemu+=(-device virtio-serial-pci)
  port stdout "$run/stdout"
  port stderr "$run/stderr"
  qemu+=(-object rng-random,id=random,filename=/dev/urandom -device virtio-rng-pci,rng=random)

  for ((n = 0; n < nvme; n++)); do
    truncate -s "${nvme_size}M" "$run/nvme$n"
    qemu+=(-drive "if=none,id=nvme$n,file=${run//,/,,}/nvme$n,format=raw,cache=unsafe" -device "nvme,drive=nvme$n,serial=lab-vm-$n")
  done
  n=0
  for nic in "${nics[@]}"; do
    n=$((n + 1))
    model=${nic%%,*} properties=${nic#"${nic%%,*}"}
    [[ $properties == *,mac=* ]] || properties+=,mac=$(printf '02:00:00:00:00:%02x' "$n")
    qemu+=(-netdev "hubport,id=nic$n,hubid=0" -device "$model,netdev=nic$n$properties")
  done
  qemu+=(-machine "$machine" -append "$boot" "${qemu_arguments[@]}")
}
