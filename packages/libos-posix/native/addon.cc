#include "demi/addon.hpp"
#include "posix_engine.hpp"

DEMI_ADDON(demi_posix, demi::posix::open_device)
