// Why something could not be opened: what a user reads.
#pragma once

#include <cerrno>
#include <cstddef>
#include <string>
#include <utility>

namespace demi {

struct Failure {
  int error = -EIO;  // a negative errno
  std::string message;

  // As the end of a function that opens something: return failure.refuse(-EINVAL, "..."), nullptr for any kind of pointer.
  std::nullptr_t refuse(int code, std::string why) {
    error = code;
    message = std::move(why);
    return nullptr;
  }
};

}  // namespace demi
