#include "status.hpp"

#include <cerrno>

namespace demi::spdk::nvme {

namespace {

constexpr std::uint8_t kGeneric = 0;
constexpr std::uint8_t kOfCommand = 1;
constexpr std::uint8_t kMedia = 2;

int generic(std::uint8_t code) {
  switch (code) {
    case 0x01:  // invalid opcode
      return -EOPNOTSUPP;
    case 0x02:  // invalid field
    case 0x13:  // PRP offset
    case 0x80:  // out of range
      return -EINVAL;
    case 0x0b:  // invalid namespace
      return -ENODEV;
    case 0x20:  // namespace is write protected
      return -EROFS;
    case 0x81:  // capacity exceeded
      return -ENOSPC;
    default:
      return -EIO;
  }
}

}  // namespace

int to_error(Status status) {
  if (status.ok()) return 0;
  switch (status.type()) {
    case kGeneric:
      return generic(status.code());
    case kOfCommand:
      return status.code() == 0x82 ? -EROFS : -EIO;  // attempted write to a read-only range
    case kMedia:
      return status.code() == 0x86 ? -EACCES : -EIO;
    default:
      return -EIO;
  }
}

bool may_retry(Status status) { return !status.ok() && !status.do_not_retry() && to_error(status) == -EIO; }

}  // namespace demi::spdk::nvme
