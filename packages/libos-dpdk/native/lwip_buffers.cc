#include "lwip_buffers.hpp"

#include <cstdlib>
#include <cstring>

namespace demi::dpdk {

LwipBuffers::LwipBuffers(Arena& arena, Port& port) : arena_(arena), port_(port), buffers_(port.receive_pool().count()) {
  for (std::uint32_t n = 0; n < buffers_.size(); ++n) {
    buffers_[n].custom.custom_free_function = &free_buffer;
    buffers_[n].all = this;
    buffers_[n].slot = n;
  }
  // Popped and freed by the application: lwIP no longer knows the buffer.
  arena_.on_release(port_.receive_pool().region(), [this](std::uint32_t slot) { port_.release(slot); });
}

LwipBuffers::~LwipBuffers() {
  arena_.on_release(port_.receive_pool().region(), [](std::uint32_t) {});
}

// ---- from the port to lwIP ------------------------------------------------------------------------------------------

void LwipBuffers::look_for_buffers() {
  const ReceivePool& pool = port_.receive_pool();
  short_of_buffers_ = pool.available() < pool.count() / 4;
}

pbuf* LwipBuffers::wrap(const Frame& frame) {
  if (short_of_buffers_) [[unlikely]]
    return copy_out(frame);
  const auto length = static_cast<std::uint16_t>(frame.length);
  return pbuf_alloced_custom(PBUF_RAW, length, PBUF_REF, &buffers_[frame.slot].custom, frame.data, length);
}

pbuf* LwipBuffers::copy_out(const Frame& frame) {
  const std::size_t bytes = sizeof(Copy) + frame.length;
  auto* const copy = copied_ + bytes <= kMostCopied ? static_cast<Copy*>(std::malloc(bytes)) : nullptr;
  pbuf* p = nullptr;
  if (copy == nullptr) {
    ++counters_.frames_dropped;
  } else {
    ++counters_.frames_copied;
    copied_ += bytes;
    *copy = {{{}, &free_copy}, this, bytes};
    std::memcpy(copy + 1, frame.data, frame.length);
    const auto length = static_cast<std::uint16_t>(frame.length);
    p = pbuf_alloced_custom(PBUF_RAW, length, PBUF_REF, &copy->custom, copy + 1, length);
  }
  port_.release(frame.slot);
  return p;
}

void LwipBuffers::free_buffer(pbuf* p) {
  const auto* buffer = reinterpret_cast<const Buffer*>(p);
  buffer->all->port_.release(buffer->slot);
}

void LwipBuffers::free_copy(pbuf* p) {
  auto* const copy = reinterpret_cast<Copy*>(p);
  copy->all->copied_ -= copy->bytes;
  std::free(copy);
}

// ---- from lwIP to the arena -----------------------------------------------------------------------------------------

// nullptr when the payload does not lie in a receive buffer, or is not the caller's alone: it has to be copied.
const LwipBuffers::Buffer* LwipBuffers::buffer_of(const pbuf* p) const {
  if ((p->flags & PBUF_FLAG_IS_CUSTOM) == 0 || p->ref != 1) return nullptr;
  const auto* buffer = reinterpret_cast<const Buffer*>(p);
  const bool is_receive_buffer = buffer >= buffers_.data() && buffer < buffers_.data() + buffers_.size();
  return is_receive_buffer ? buffer : nullptr;
}

// Into chunks_: a copy of each pbuf that needs one, 0 for the others. All or nothing.
bool LwipBuffers::copy_chunks(const pbuf* chain) {
  chunks_.clear();
  for (const pbuf* p = chain; p != nullptr; p = p->next) {
    if (p->len == 0) continue;
    Sga copy = 0;
    if (buffer_of(p) == nullptr) {
      copy = arena_.alloc(p->len);
      if (copy == 0) {
        for (const Sga chunk : chunks_) {
          if (chunk != 0) arena_.free(chunk);
        }
        return false;
      }
      std::memcpy(arena_.slot_start(copy), p->payload, p->len);
    }
    chunks_.push_back(copy);
  }
  return true;
}

std::optional<std::span<const Sga>> LwipBuffers::take(pbuf* chain) {
  if (!copy_chunks(chain)) return std::nullopt;
  std::size_t i = 0;
  while (chain != nullptr) {
    // Not pbuf_dechain(), which would free the rest.
    pbuf* const rest = chain->next;
    chain->next = nullptr;
    chain->tot_len = chain->len;
    if (chain->len == 0) {
      pbuf_free(chain);
    } else if (chunks_[i++] != 0) {
      pbuf_free(chain);
    } else {
      // The pbuf is forgotten, its receive buffer goes on as an sga.
      const Buffer* const buffer = buffer_of(chain);
      const auto* payload = static_cast<const std::uint8_t*>(chain->payload);
      chunks_[i - 1] = adopt(buffer->slot, payload, chain->len);
    }
    chain = rest;
  }
  return chunks_;
}

Sga LwipBuffers::adopt(std::uint32_t slot, const std::uint8_t* payload, std::uint32_t length) {
  const Sga sga = arena_.adopt(port_.receive_pool().region(), slot, 0, 0);
  arena_.set_range(sga, static_cast<std::uint32_t>(payload - arena_.slot_start(sga)), length);
  return sga;
}

Sga LwipBuffers::take_whole(pbuf* chain) {
  if (chain->next == nullptr && buffer_of(chain) != nullptr) {
    return adopt(buffer_of(chain)->slot, static_cast<const std::uint8_t*>(chain->payload), chain->len);
  }
  const Sga sga = arena_.alloc(chain->tot_len);
  if (sga == 0) return 0;
  pbuf_copy_partial(chain, arena_.slot_start(sga), chain->tot_len, 0);
  pbuf_free(chain);
  return sga;
}

}  // namespace demi::dpdk
