#include "demi/addon.hpp"
#include "spdk_engine.hpp"

DEMI_ADDON(demi_spdk, demi::spdk::open_device)
