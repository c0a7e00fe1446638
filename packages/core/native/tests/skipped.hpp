// What of a test a machine cannot run: said on standard output, and beside the results of the test cases (main.cc).
#pragma once

#include <cstdio>
#include <cstdlib>
#include <string>

namespace demi::test {

inline void skipped(const std::string& test, const std::string& reason) {
  std::printf("skipped: %s: %s\n", test.c_str(), reason.c_str());
  const char* path = std::getenv("DEMI_NATIVE_RESULTS");
  std::FILE* file = path == nullptr ? nullptr : std::fopen(path, "a");
  if (file == nullptr) return;
  std::fprintf(file, "skipped\t%s\t%s\n", test.c_str(), reason.c_str());
  std::fclose(file);
}

}  // namespace demi::test
