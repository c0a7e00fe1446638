#include "eal_log.hpp"

#include <rte_log.h>
#include <unistd.h>

#include <algorithm>

namespace demi::dpdk {

EalLog::EalLog() {
  stream_ = ::fopencookie(this, "w", {.read = nullptr, .write = write, .seek = nullptr, .close = nullptr});
  if (stream_ == nullptr) return;
  ::setvbuf(stream_, nullptr, _IOLBF, 0);
  rte_openlog_stream(stream_);
}

EalLog::~EalLog() {
  if (stream_ == nullptr) return;
  rte_openlog_stream(nullptr);
  ::fclose(stream_);
}

ssize_t EalLog::write(void* log, const char* bytes, std::size_t length) {
  static_cast<EalLog*>(log)->text_.append(bytes, length);
  return ::write(STDERR_FILENO, bytes, length);
}

std::string EalLog::said() {
  if (stream_ != nullptr) ::fflush(stream_);
  std::string out = text_.substr(0, kMost);
  std::replace(out.begin(), out.end(), '\n', ';');
  while (!out.empty() && (out.back() == ';' || out.back() == ' ')) out.pop_back();
  for (std::size_t at = 0; (at = out.find(";EAL: ", at)) != std::string::npos;) out.replace(at, 6, "; ");
  return out;
}

}  // namespace demi::dpdk
