#include "sysfs.hpp"

#include <unistd.h>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>

namespace demi::spdk::nvme::sysfs {

bool is_address(const std::string& text) {
  constexpr const char* kForm = "xxxx:xx:xx.d";
  if (text.size() != std::strlen(kForm)) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool digit = c >= '0' && c <= '9';
    const bool fits = kForm[i] == 'x'   ? digit || (c >= 'a' && c <= 'f')
                      : kForm[i] == 'd' ? c >= '0' && c <= '7'
                                        : c == kForm[i];
    if (!fits) return false;
  }
  return true;
}

std::string path(const std::string& address, const std::string& file) {
  return "/sys/bus/pci/devices/" + address + "/" + file;
}

bool read_number(const std::string& address, const std::string& file, std::uint32_t& out) {
  std::ifstream in(path(address, file));
  std::string text;
  if (!(in >> text)) return false;
  char* end = nullptr;
  out = static_cast<std::uint32_t>(std::strtoul(text.c_str(), &end, 0));
  return end != text.c_str() && *end == '\0';
}

std::string link(const std::string& address, const std::string& name) {
  char target[PATH_MAX];
  const ssize_t bytes = ::readlink(path(address, name).c_str(), target, sizeof target);
  if (bytes <= 0) return {};
  const std::string whole(target, static_cast<std::size_t>(bytes));
  return whole.substr(whole.rfind('/') + 1);
}

}  // namespace demi::spdk::nvme::sysfs
