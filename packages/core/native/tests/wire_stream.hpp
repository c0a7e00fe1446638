// A stream queue whose transport is the test: what arrives and what is taken to be sent, byte by byte.
#pragma once

#include <string>
#include <string_view>

#include "application.hpp"
#include "demi/net/stream_queue.hpp"

namespace demi::test {

class WireStream final : public net::StreamQueue {
 public:
  WireStream(net::StreamContext& context, const SocketRequest& request) : StreamQueue(context, request) {}

  using StreamQueue::connect_failed;
  using StreamQueue::connected;
  using StreamQueue::ended;
  using StreamQueue::failed;
  using StreamQueue::gather;
  using StreamQueue::received;
  using StreamQueue::send_failed;
  using StreamQueue::sent;
  using StreamQueue::wants_bytes;

  void connect(Op& op, const Address&) override { connecting(op); }
  void close(std::unique_ptr<Queue>) override {
    end_pops();
    runtime_.fail_all(pushes_, -ECANCELED);
    if (left_at_close != nullptr) *left_at_close = left;
  }

  // Bytes from the peer, at `offset` of a slot. False when the arena has none.
  bool arrive(std::string_view bytes, std::uint32_t offset = 0) {
    Arena& arena = runtime_.arena();
    const Sga chunk = arena.alloc(offset + static_cast<std::uint32_t>(bytes.size()));
    if (chunk == 0) return false;
    std::memcpy(arena.slot_start(chunk) + offset, bytes.data(), bytes.size());
    arena.set_range(chunk, offset, static_cast<std::uint32_t>(bytes.size()));
    arrived += bytes.size();
    received(chunk);
    return true;
  }
  // Sends up to `most` bytes and returns them.
  std::string send(std::size_t most) {
    net::Outgoing out;
    gather(out, false);
    std::string bytes;
    for (int i = 0; i < out.iovecs; ++i) bytes.append(static_cast<char*>(out.iov[i].iov_base), out.iov[i].iov_len);
    bytes.resize(std::min(most, bytes.size()));
    sent(bytes.size());
    return bytes;
  }

  int sends = 0;     // calls of start_send()
  int receives = 0;  // of start_receive()
  int stops = 0;     // of stop_receive()
  int ends = 0;      // of shut_down()
  int fins = 0;      // of end_sending()
  bool in_flight = false;
  std::size_t arrived = 0;
  std::size_t left = 0;  // bytes popped() has reported
  std::size_t* left_at_close = nullptr;

 protected:
  void start_send() override { ++sends; }
  void start_receive() override { ++receives; }
  void stop_receive() override { ++stops; }
  bool sending() const override { return in_flight; }
  void end_sending() override { ++fins; }
  void shut_down() override { ++ends; }
  void popped(std::size_t bytes) override { left += bytes; }
};

// One such queue and the application that uses it.
struct Stream {
  explicit Stream(Framing framing = Framing::kStream, std::uint32_t max_message = 1000,
                  const Limits& limits = small_limits())
      : app(limits) {
    auto queue = std::make_unique<WireStream>(context, SocketRequest{.framing = framing, .max_message = max_message});
    wire = queue.get();
    qd = app.runtime().adopt(std::move(queue));
  }
  ~Stream() { close(); }

  Qt connect() {
    const Qt qt = app.take_token();
    app.runtime().connect(qd, qt, Address{});
    return qt;
  }
  Qt push(std::string_view text) { return app.push(qd, app.from(text), layout::kFlagFree); }
  Qt pop(std::int32_t limit = 0) { return app.pop(qd, limit); }
  std::vector<Completion> turn() {
    context.retries.run();
    return app.turn();
  }
  // A popped sga as text, freed.
  std::string take(const Completion& c) {
    std::string text = c.value == 0 ? std::string() : app.text(c.value);
    if (c.value != 0) app.arena().free(c.value);
    return text;
  }
  // The next turn completes one operation, a pop: its text.
  std::string take_one() {
    const auto done = turn();
    REQUIRE(done.size() == 1);
    std::string text = take(done[0]);
    CHECK(done[0].result == static_cast<std::int32_t>(text.size()));
    return text;
  }
  // The results of the next turn, in order.
  std::vector<std::int32_t> results() {
    std::vector<std::int32_t> out;
    for (const Completion& c : turn()) out.push_back(c.result);
    return out;
  }
  // Answers how many bytes popped() has reported in all.
  std::size_t close() {
    if (wire == nullptr) return 0;
    std::size_t left = 0;
    app.runtime().submit();
    wire->left_at_close = &left;
    wire = nullptr;
    app.runtime().close(qd);
    return left;
  }

  Application app;
  net::StreamContext context{app.runtime()};
  WireStream* wire = nullptr;
  Qd qd = 0;
};

}  // namespace demi::test
