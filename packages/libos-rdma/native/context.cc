#include "context.hpp"

#include "connection.hpp"

namespace demi::rdma {

Context::Context(Runtime& runtime, Fabric& fabric, Buffers& buffers)
    : runtime(runtime), fabric(fabric), buffers(buffers), retries(runtime.arena()) {}
Context::~Context() = default;

}  // namespace demi::rdma
