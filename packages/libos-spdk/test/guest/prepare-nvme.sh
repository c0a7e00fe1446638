# Inside the guest of run.sh: its controllers, by their places in the machine. Sourced behind guest-kit.sh; has what controllers.sh has,
# and sets
#
#   first, second    in order
#   others           five more
#   bad              some of its blocks cannot be read or written
#   slow             it is fast for some megabytes, and takes seconds for each from then on
#
# shellcheck shell=bash disable=SC2034
# shellcheck source=packages/libos-spdk/test/guest/controllers.sh
. "$(dirname "${BASH_SOURCE[0]}")/controllers.sh"
[ ${#controllers[@]} -eq 9 ] || fail "${#controllers[@]} NVMe controllers instead of 9; is this a guest of run.sh?"
first=${controllers[0]} second=${controllers[1]} others=("${controllers[@]:2:5}") bad=${controllers[7]} slow=${controllers[8]}
