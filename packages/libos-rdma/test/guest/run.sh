#!/usr/bin/env bash
# Runs a command in a guest whose kernel has soft-RoCE, the RDMA connection manager, and virtual wires to put them on:
#
#   run.sh [lab-vm option...] -- command [argument...]
#
# The command starts with prepare-rxe.sh, which makes the RDMA devices.
set -euo pipefail
here=$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")
exec "$here/../../../../tools/lab-vm/lab-vm" --memory 3072 --modules rdma_rxe,rdma_ucm,ib_uverbs,dummy,veth "$@"
