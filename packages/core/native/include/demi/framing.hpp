// What pushes and pops of a socket are on the wire.
#pragma once

#include <cerrno>
#include <cstdint>
#include <string_view>

namespace demi {

enum class Framing : std::uint8_t {
  kStream,  // plain bytes, or plain datagrams
  kDmtr     // messages of the C++ Demikernel's wire format: demi/net/dmtr_codec.hpp
};

// By its name in JavaScript; no name is a stream. 0 or -EINVAL.
inline int parse_framing(std::string_view name, Framing& out) {
  if (!name.empty() && name != "stream" && name != "dmtr") return -EINVAL;
  out = name == "dmtr" ? Framing::kDmtr : Framing::kStream;
  return 0;
}

}  // namespace demi
