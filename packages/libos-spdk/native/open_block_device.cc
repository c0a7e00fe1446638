#include "open_block_device.hpp"

#include <cerrno>
#include <charconv>
#include <string_view>

#include "file.hpp"
#include "thread_device.hpp"
#include "uring_device.hpp"

namespace demi::spdk {

bool read_size(const std::string& text, std::uint64_t& bytes) {
  std::uint64_t number = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  if (error != std::errc() || number == 0) return false;
  const std::string_view unit(rest, static_cast<std::size_t>(end - rest));
  int shift = 0;
  if (unit == "KiB")
    shift = 10;
  else if (unit == "MiB")
    shift = 20;
  else if (unit == "GiB")
    shift = 30;
  else if (unit == "TiB")
    shift = 40;
  else if (!unit.empty())
    return false;
  bytes = number << shift;
  return bytes >> shift == number && bytes <= std::uint64_t{1} << 50;
}

std::unique_ptr<BlockDevice> open_block_device(const std::string& name, Failure& failure) {
  constexpr std::string_view kFile = "file:";
  constexpr std::string_view kSize = ",size=";
  const auto refuse = [&](const std::string& why) {
    failure.error = -EINVAL;
    failure.message = "device \"" + name + "\": " + why;
    return nullptr;
  };
  if (!name.starts_with(kFile)) return refuse("\"file:PATH\" or \"file:PATH,size=1GiB\"");
  std::string path = name.substr(kFile.size());
  std::uint64_t size = std::uint64_t{1} << 30;
  if (const auto at = path.rfind(kSize); at != std::string::npos) {
    if (!read_size(path.substr(at + kSize.size()), size)) return refuse("size is a number of bytes, or as 64MiB, 1GiB");
    path.resize(at);
  }
  if (path.empty()) return refuse("no path");
  File file;
  if (!File::open(path, size, file, failure)) return nullptr;
  std::string why;
  if (auto device = UringDevice::open(file, why)) return device;
  return std::make_unique<ThreadDevice>(std::move(file));
}

}  // namespace demi::spdk
