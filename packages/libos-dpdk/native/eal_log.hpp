// What EAL says when it starts: rte_eal_init() gives an errno, and the cause stands in its log.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <cstdio>
#include <string>

namespace demi::dpdk {

// While it lives, what EAL logs is remembered, and goes to standard error as always.
class EalLog {
 public:
  EalLog();
  ~EalLog();
  EalLog(const EalLog&) = delete;
  EalLog& operator=(const EalLog&) = delete;

  // The first lines, in which the cause stands, as one sentence.
  std::string said();

 private:
  static constexpr std::size_t kMost = 600;
  static ssize_t write(void* log, const char* bytes, std::size_t length);

  std::FILE* stream_ = nullptr;
  std::string text_;
};

}  // namespace demi::dpdk
