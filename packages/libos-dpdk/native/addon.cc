#include "demi/addon.hpp"
#include "dpdk_engine.hpp"

DEMI_ADDON(demi_dpdk, demi::dpdk::open_device)
