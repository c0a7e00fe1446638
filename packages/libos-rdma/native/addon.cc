#include "demi/addon.hpp"
#include "rdma_engine.hpp"

DEMI_ADDON(demi_rdma, demi::rdma::RdmaEngine::make, demi::rdma::RdmaEngine::prepare)
