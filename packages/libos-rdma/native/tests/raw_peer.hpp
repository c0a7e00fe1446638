// A peer written by hand on libfabric alone: an FI_EP_MSG endpoint over tcp that says what the test wants, in the handshake and after it.
// It knows nothing of the sources it is used against but the provider; what it sends is bytes.
#pragma once

#include <cstdint>
#include <deque>
#include <initializer_list>
#include <optional>
#include <vector>

#include "libfabric.hpp"
#include "loopback.hpp"

namespace demi::rdma::test {

using Bytes = std::vector<std::uint8_t>;

// A number of this many bytes, the lowest first.
inline void append(Bytes& to, std::uint64_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) to.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
}

// As docs/rdma-wire-format.md has them, whatever the fields say.
struct RawHandshake {
  std::uint32_t magic = 0x696d6544;  // "Demi"
  std::uint8_t version = 1;
  std::uint8_t reserved = 0;
  std::uint16_t credits = 16;
  std::uint32_t buffer = 4096;
  std::uint32_t most_message = 1u << 20;
  Bytes bytes() const;
};

struct RawHeader {
  std::uint8_t kind = 1;
  std::uint8_t more = 0;
  std::uint16_t credits = 0;
  std::uint32_t message = 0;
  std::uint32_t offset = 0;
  std::uint32_t reserved = 0;
  Bytes bytes(std::size_t payload = 0) const;
};
inline constexpr std::uint8_t kData = 1;
inline constexpr std::uint8_t kCredit = 2;
inline constexpr std::uint8_t kEnd = 3;
inline constexpr std::uint8_t kShut = 4;

// A message of one fragment.
Bytes whole(std::size_t payload, std::uint16_t credits = 0);
Bytes credit(std::uint16_t credits);
Bytes end();

class RawPeer final : public Driven {
 public:
  static constexpr std::size_t kBuffer = 4096;
  static constexpr std::size_t kBuffers = 64;  // receives posted, and sends under way, at most

  explicit RawPeer(Loopback& loopback);
  ~RawPeer();
  RawPeer(const RawPeer&) = delete;
  RawPeer& operator=(const RawPeer&) = delete;

  void connect(const Address& to, const Bytes& handshake);
  // Waits for a request; what is done with it, if anything, is said by accept() or reject().
  Address listen();
  bool requested() const { return request_ != nullptr; }
  void accept(const Bytes& handshake);
  void reject(const Bytes& data);
  // Connects and REQUIREs that it is accepted.
  static void connect_well(RawPeer& peer, const Address& to, const RawHandshake& handshake = {});

  // False when the send queue is full: the peer does not take more.
  bool send(const Bytes& bytes);
  // Without a word: the endpoint is destroyed.
  void close();
  // Does nothing on its turn: a process that is stopped.
  bool stopped = false;
  // Posts a receive again when one was filled.
  bool reposting = true;

  bool connected = false;
  bool refused = false;
  bool shut_down = false;
  Bytes private_data;          // with which it was accepted or refused
  std::deque<Bytes> received;  // messages
  std::size_t sends_done = 0;
  bool over() const { return refused || shut_down; }

  void turn() override;

 private:
  struct Buffer {
    fi_context2 context{};
    std::uint8_t* memory = nullptr;
    bool sending = false;
    bool busy = false;
  };

  void open_endpoint(fi_info& info);
  void post(Buffer& buffer);
  void read_events();
  void read_completions();

  Loopback& loopback_;
  Info info_;
  Fid<fid_fabric> fabric_;
  Fid<fid_domain> domain_;
  std::vector<std::uint8_t> memory_;
  std::vector<Buffer> buffers_;
  Fid<fid_mr> region_;
  Fid<fid_eq> events_;
  Fid<fid_cq> completions_;
  Fid<fid_pep> listener_;
  Info request_;
  Fid<fid_ep> endpoint_;
};

}  // namespace demi::rdma::test
