#include "open_block_device.hpp"

#include <cerrno>
#include <charconv>
#include <string_view>

#include "file.hpp"
#include "nvme/nvme_device.hpp"
#include "thread_device.hpp"
#include "uring_device.hpp"
#ifdef DEMI_WITH_SPDK
#include "spdk_nvme/spdk_nvme_device.hpp"
#endif

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

namespace {

constexpr std::string_view kFile = "file:";
constexpr std::string_view kNvme = "nvme:";
constexpr std::string_view kSpdk = "spdk:";

std::nullptr_t refuse(const std::string& name, const std::string& why, Failure& failure) {
  return failure.refuse(-EINVAL, "device \"" + name + "\": " + why);
}

std::unique_ptr<BlockDevice> open_file(const std::string& name, Failure& failure) {
  constexpr std::string_view kSize = ",size=";
  std::string path = name.substr(kFile.size());
  std::uint64_t size = std::uint64_t{1} << 30;
  if (const auto at = path.rfind(kSize); at != std::string::npos) {
    if (!read_size(path.substr(at + kSize.size()), size))
      return refuse(name, "size is a number of bytes, or as 64MiB, 1GiB", failure);
    path.resize(at);
  }
  if (path.empty()) return refuse(name, "no path", failure);
  File file;
  if (!File::open(path, size, file, failure)) return nullptr;
  std::string why;
  if (auto device = UringDevice::open(file, why)) return device;
  return std::make_unique<ThreadDevice>(std::move(file));
}

// A whole number from 1 to `most`.
bool read_count(std::string_view text, std::uint32_t most, std::uint32_t& out) {
  const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), out);
  return error == std::errc() && rest == text.data() + text.size() && out >= 1 && out <= most;
}

// A controller by either driver: `prefix`, "nvme:" or "spdk:", says which.
std::unique_ptr<BlockDevice> open_controller(const std::string& name, std::string_view prefix, Failure& failure) {
  nvme::NvmeDevice::Options options;
  std::string_view rest = std::string_view(name).substr(prefix.size());
  const std::string address(rest.substr(0, rest.find(',')));
  rest.remove_prefix(address.size());
  while (!rest.empty()) {
    rest.remove_prefix(1);
    const std::string_view option = rest.substr(0, rest.find(','));
    rest.remove_prefix(option.size());
    std::uint32_t seconds = 0;
    if (option.starts_with("ns=") && read_count(option.substr(3), 0xfffffffe, options.nsid)) continue;
    if (!option.starts_with("timeout=") || !read_count(option.substr(8), 3600, seconds))
      return refuse(name, "ns=N, the number of a namespace, or timeout=N, 1 to 3600 seconds", failure);
    options.timeout = std::chrono::seconds(seconds);
  }
  if (prefix == kNvme) return nvme::NvmeDevice::open(address, options, failure);
#ifdef DEMI_WITH_SPDK
  return SpdkNvmeDevice::open(address, options, failure);
#else
  return failure.refuse(-ENOTSUP,
                        "device \"" + name +
                            "\": this build has no SPDK: rebuild the addon where pkg-config finds spdk_nvme, " +
                            "or use \"nvme:" + address + "\", the package's own driver");
#endif
}

}  // namespace

std::unique_ptr<BlockDevice> open_block_device(const std::string& name, Failure& failure) {
  if (name.starts_with(kFile)) return open_file(name, failure);
  if (name.starts_with(kNvme)) return open_controller(name, kNvme, failure);
  if (name.starts_with(kSpdk)) return open_controller(name, kSpdk, failure);
  return refuse(name, R"("file:PATH", "file:PATH,size=1GiB", "nvme:0000:01:00.0" or "spdk:0000:01:00.0")", failure);
}

}  // namespace demi::spdk
