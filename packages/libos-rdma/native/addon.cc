#include "demi/addon.hpp"
#include "rdma_engine.hpp"
#include "signal_handlers.hpp"

namespace {

constexpr demi::addon::EngineModule engine_module{.name = "demi_rdma", .open = demi::rdma::open_device};

}  // namespace

NAPI_MODULE_INIT() {
  demi::rdma::restore_signal_handlers();
  return demi::addon::init(env, exports, engine_module, demi::addon::open_call<engine_module>);
}
