// Messages of the dmtr format, built byte by byte from its description: the second opinion that the codec is tested against.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace demi::test {

using Bytes = std::vector<std::uint8_t>;
using Message = std::vector<std::string>;  // one string per segment

inline void put_word(Bytes& out, std::uint64_t value) {
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<std::uint8_t>(value >> shift));
}

inline Bytes header(std::uint32_t magic, std::uint64_t body, std::uint64_t segments) {
  Bytes out;
  put_word(out, magic);
  put_word(out, body);
  put_word(out, segments);
  return out;
}

inline void put_segment(Bytes& out, const std::string& data) {
  put_word(out, data.size());
  out.insert(out.end(), data.begin(), data.end());
}

inline Bytes wire(const Message& message) {
  std::uint64_t body = 0;
  for (const auto& s : message) body += 4 + s.size();
  Bytes out = header(0x10102010, body, message.size());
  for (const auto& s : message) put_segment(out, s);
  return out;
}

}  // namespace demi::test
