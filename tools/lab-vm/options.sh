# The command line: parse_options sets the variables below, usage prints --help.
# shellcheck shell=bash
# shellcheck disable=SC2034 # the other files of lab-vm read these

memory=1536 cpus=2 hugepages=0 nvme=0 nvme_size=64 iommu=0 limit=300 verbose=0 check=0
accel=${LAB_VM_ACCEL:-tcg} output='' kernel_root=''
modules=() nics=() environment=() qemu_arguments=() command=()

usage() {
  cat <<'HELP'
usage: lab-vm [options] [--] command [argument...]
       lab-vm --check

Runs the command in a QEMU guest whose root is this machine's file system, in the current folder and with the current PATH.
What the guest writes vanishes with it. Standard output and standard error come back apart, standard input is empty.

  -m, --memory MIB        memory of the guest (1536)
  -c, --cpus N            processors (2)
  -H, --hugepages N       huge pages of 2 MiB, reserved at boot and mounted at /dev/hugepages (0)
  -M, --modules A,B       kernel modules to load before the command runs; repeatable
  -n, --nvme N            NVMe controllers, each with one empty disk (0)
      --nvme-size MIB     size of each of these disks (64)
  -N, --nic MODEL[,K=V]   a network card, e1000e or virtio-net-pci, with more of QEMU's properties, as mac=02:00:00:00:00:01;
                          repeatable; all of them are on one hub, that leads nowhere else
  -i, --iommu[=BITS]      an emulated Intel IOMMU: vfio-pci works as on a server; BITS of address, 48 as there (the default) or 39 as
                          in many a laptop
  -o, --output DIR        a folder that the guest may write to, at /lab/out
  -e, --env NAME[=VALUE]  a variable for the command; without a value it has the one it has here; repeatable
  -t, --timeout SECONDS   end the guest after this time, its boot included (300)
  -a, --accel tcg|kvm     how QEMU runs the guest's processors (tcg, or the variable LAB_VM_ACCEL)
      --kernel-root DIR   take the kernel below this folder instead of /: a linux-image package unpacked there
      --qemu-arg ARG      one more argument for QEMU; repeatable
  -v, --verbose           say what is done; the guest's kernel log follows on standard error
      --check             say what is missing on this machine, and the line that installs it
  -h, --help

Exit status: the command's own; 124 when it was over time; 125 when there is none, because lab-vm or the guest failed.
The variable LAB_VM_CACHE names the folder for what is made once per kernel (default: ~/.cache/demikernel-lab-vm).
HELP
}

# number OPTION VALUE LEAST
number() {
  # Ten digits at most, so that no arithmetic overflows.
  if ! [[ $2 =~ ^[0-9]{1,10}$ ]] || [ "$2" -lt "$3" ]; then fail "$1 $2: not a whole number of at least $3"; fi
  printf '%d' "$((10#$2))"
}

folder() {
  [ -d "$2" ] || fail "$1 $2: no such folder"
  realpath "$2"
}

environment_entry() {
  local name=${1%%=*}
  [[ $name =~ ^[A-Za-z_][A-Za-z0-9_]*$ ]] || fail "--env $1: '$name' is not the name of a variable"
  if [[ $1 == *=* ]]; then
    environment+=("$1")
  else
    [ -v "$name" ] || fail "--env $1: not set here, so there is no value to pass on"
    environment+=("$name=${!name}")
  fi
}

parse_options() {
  local line list
  line=$(getopt -n lab-vm -o +m:c:H:M:n:N:i::o:e:t:a:vh -l memory:,cpus:,hugepages:,modules:,nvme:,nvme-size:,nic:,iommu:: \
    -l output:,env:,timeout:,accel:,kernel-root:,qemu-arg:,verbose,check,help -- "$@") || exit 125
  eval "set -- $line"
  while [ "$1" != -- ]; do
    case $1 in
      -m | --memory) memory=$(number --memory "$2" 256); shift ;;
      -c | --cpus) cpus=$(number --cpus "$2" 1); shift ;;
      -H | --hugepages) hugepages=$(number --hugepages "$2" 0); shift ;;
      -M | --modules)
        [[ $2 =~ ^[A-Za-z0-9_,-]+$ ]] || fail "--modules $2: names with commas between them are wanted"
        IFS=, read -ra list <<<"$2"
        modules+=("${list[@]}")
        shift
        ;;
      -n | --nvme) nvme=$(number --nvme "$2" 0); shift ;;
      --nvme-size) nvme_size=$(number --nvme-size "$2" 1); shift ;;
      -N | --nic)
        [[ $2 =~ ^[a-z0-9-]+(,|$) ]] || fail "--nic $2: MODEL[,property=value...] is wanted, as in e1000e,mac=02:00:00:00:00:01"
        nics+=("$2")
        shift
        ;;
      -i | --iommu)
        iommu=${2:-48}
        [[ $iommu =~ ^(39|48)$ ]] || fail "--iommu=$2: 39 or 48 bits is wanted"
        shift
        ;;
      -o | --output) output=$(folder --output "$2"); shift ;;
      -e | --env) environment_entry "$2"; shift ;;
      -t | --timeout) limit=$(number --timeout "$2" 1); shift ;;
      -a | --accel) accel=$2; shift ;;
      --kernel-root) kernel_root=$(folder --kernel-root "$2"); shift ;;
      --qemu-arg) qemu_arguments+=("$2"); shift ;;
      -v | --verbose) verbose=1 ;;
      --check) check=1 ;;
      -h | --help)
        usage
        exit 0
        ;;
    esac
    shift
  done
  shift
  command=("$@")
  [ "$check" -eq 1 ] || [ $# -gt 0 ] || fail "no command; lab-vm --help says how"
  case $accel in
    tcg | kvm) ;;
    *) fail "--accel $accel: tcg or kvm is wanted" ;;
  esac
  # Debian's kernel, its initramfs and a shell need about this much beside the huge pages.
  [ $((hugepages * 2 + 384)) -le "$memory" ] || [ "$hugepages" -eq 0 ] ||
    fail "--hugepages $hugepages: $((hugepages * 2)) MiB do not fit into a guest of $memory MiB; raise --memory"
}
