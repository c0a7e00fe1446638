#include "config.hpp"

#include <charconv>

#include "buffers.hpp"
#include "demi/layout.hpp"
#include "wire.hpp"

namespace demi::rdma {

namespace {

struct Range {
  std::uint32_t least;
  std::uint32_t most;
};

bool number(const std::string& text, Range range, std::uint32_t& out) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && end == text.data() + text.size() && out >= range.least && out <= range.most;
}

}  // namespace

int read_options(const Config& config, Options& out, std::string& message) {
  const auto given = [&](const char* key) -> const std::string* {
    const auto found = config.find(key);
    return found == config.end() || found->second.empty() ? nullptr : &found->second;
  };
  const auto refuse = [&](const char* key, const std::string& wanted) {
    message = std::string(key) + " must be " + wanted + "; got \"" + config.at(key) + "\"";
    return -EINVAL;
  };
  if (const auto* provider = given("provider")) out.fabric.provider = *provider;
  if (const auto* device = given("device")) out.fabric.device = *device;
  if (const auto* address = given("address");
      address != nullptr && Address::parse(*address, 0, out.fabric.address) != 0)
    return refuse("address", "a numeric address");
  std::uint32_t credits = out.credits;
  const struct {
    const char* key;
    Range range;
    std::uint32_t* value;
  } numbers[] = {{"credits", {1, 1024}, &credits},
                 {"slot", {256, 65536}, &out.buffer},
                 {"receives", {64, 131072}, &out.receives},
                 {"maxMessage", {1, 16u << 20}, &out.most_message}};
  for (const auto& [key, range, value] : numbers) {
    const auto* text = given(key);
    if (text != nullptr && !number(*text, range, *value))
      return refuse(key, std::to_string(range.least) + " to " + std::to_string(range.most));
  }
  if (out.buffer % layout::kSlotAlign != 0)
    return refuse("slot", "a multiple of " + std::to_string(layout::kSlotAlign));
  out.credits = static_cast<std::uint16_t>(credits);
  return 0;
}

}  // namespace demi::rdma
