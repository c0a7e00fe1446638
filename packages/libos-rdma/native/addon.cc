#include "demi/addon.hpp"
#include "rdma_engine.hpp"
#include "signal_handlers.hpp"

NAPI_MODULE_INIT() {
  demi::rdma::restore_signal_handlers();
  return demi::addon::init<demi::rdma::RdmaEngine::make, demi::rdma::RdmaEngine::prepare>(env, exports);
}
