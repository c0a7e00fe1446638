#include "demi/addon.hpp"
#include "rdma_engine.hpp"
#include "signal_handlers.hpp"

namespace {

Napi::Object init(Napi::Env env, Napi::Object exports) {
  demi::rdma::restore_signal_handlers();
  return demi::addon::init<demi::rdma::RdmaEngine::make, demi::rdma::RdmaEngine::prepare>(env, exports);
}

}  // namespace

NODE_API_MODULE(demi_rdma, init)
