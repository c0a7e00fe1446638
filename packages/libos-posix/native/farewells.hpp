// Connections that were closed while bytes were still on their way: what the application has pushed arrives all the same.
//
// close(2) alone does not see to that. The kernel resets a connection that is closed with bytes unread, or that is sent more after it
// was closed, and drops what it had not sent yet (RFC 2525, section 2.17; RFC 1122, section 4.2.2.13). So the end of the stream is sent
// with shutdown(2), and the descriptor stays open, and what the peer sends is thrown away, until everything was acknowledged and the peer
// has no more to say. One thread of the libOS does it for all, so that neither close() nor destroy() waits; it runs only while there is
// something to do.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace demi::posix {

class Farewells {
 public:
  // More at a time, or more than a quarter of the descriptors the process may have, and the oldest are closed as they are.
  static constexpr std::size_t kMost = 4096;
  // How long one may take, where the application has not said (SO_LINGER), and how long a peer may be silent that has sent something.
  static constexpr std::chrono::seconds kPatience{10};
  static constexpr std::chrono::seconds kSilence{1};

  explicit Farewells(std::size_t most = kMost);
  // Those under way go on.
  ~Farewells();
  Farewells(const Farewells&) = delete;
  Farewells& operator=(const Farewells&) = delete;

  // Takes a connected stream socket. `linger`: seconds as of SO_LINGER, after which it is reset; -1: kPatience, then the kernel has it.
  void take(int fd, int linger);

  std::uint32_t under_way() const;

 private:
  struct Shared;
  std::shared_ptr<Shared> shared_;
};

}  // namespace demi::posix
