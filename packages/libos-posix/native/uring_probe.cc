#include "uring_probe.hpp"

#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>

namespace demi::posix {

namespace {

std::string refusal(int error) {
  const std::string call = std::string("io_uring_setup: ") + std::strerror(-error);
  if (error == -ENOSYS) return call + ": this kernel has no io_uring, or a seccomp filter hides it";
  if (error == -ENOMEM) return call + ": raise RLIMIT_MEMLOCK (ulimit -l) or the memory limit of the control group";
  if (error != -EPERM) return call;
  int disabled = 0;
  std::ifstream("/proc/sys/kernel/io_uring_disabled") >> disabled;
  if (disabled != 0) {
    return call + ": the sysctl kernel.io_uring_disabled is " + std::to_string(disabled) +
           "; fix with sysctl -w kernel.io_uring_disabled=0";
  }
  return call + ": a seccomp filter forbids it (as the default profiles of containers do)";
}

// Whether a receive stays armed and takes its buffer from a provided ring: Linux 6.0. Asked of the kernel itself, for
// distributions carry features to older versions.
int try_multishot(io_uring& ring) {
  constexpr unsigned kEntries = 2;
  constexpr int kGroup = 7;
  alignas(64) char bytes[kEntries][64];
  int pair[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) return -errno;
  const std::size_t size = kEntries * sizeof(io_uring_buf);
  void* memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  int error = memory == MAP_FAILED ? -errno : 0;
  io_uring_buf_reg registration{};
  registration.ring_addr = reinterpret_cast<std::uint64_t>(memory);
  registration.ring_entries = kEntries;
  registration.bgid = kGroup;
  if (error == 0) error = io_uring_register_buf_ring(&ring, &registration, 0);
  if (error == 0) {
    auto* buffers = static_cast<io_uring_buf_ring*>(memory);
    io_uring_buf_ring_init(buffers);
    for (unsigned i = 0; i < kEntries; ++i) {
      io_uring_buf_ring_add(buffers, bytes[i], sizeof bytes[i], static_cast<unsigned short>(i), kEntries - 1,
                            static_cast<int>(i));
    }
    io_uring_buf_ring_advance(buffers, kEntries);
    io_uring_sqe* sqe = io_uring_get_sqe(&ring);
    io_uring_prep_recv_multishot(sqe, pair[0], nullptr, 0, 0);
    sqe->flags |= IOSQE_BUFFER_SELECT;
    sqe->buf_group = kGroup;
    const bool wrote = ::write(pair[1], "x", 1) == 1;
    ::shutdown(pair[1], SHUT_WR);  // the second completion ends the request
    __kernel_timespec second{1, 0};
    bool stayed = false;
    bool more = true;
    while (wrote && more && error == 0) {
      io_uring_cqe* cqe = nullptr;
      error = io_uring_submit_and_wait_timeout(&ring, &cqe, 1, &second, nullptr);
      if (error > 0) error = 0;
      if (error == -EINTR) error = 0;
      if (error != 0 || cqe == nullptr) continue;
      more = (cqe->flags & IORING_CQE_F_MORE) != 0;
      stayed = stayed || (more && cqe->res == 1);
      io_uring_cqe_seen(&ring, cqe);
    }
    if (error == 0 && !stayed) error = -EOPNOTSUPP;
    io_uring_unregister_buf_ring(&ring, kGroup);
  }
  if (memory != MAP_FAILED) ::munmap(memory, size);
  ::close(pair[0]);
  ::close(pair[1]);
  return error;
}

}  // namespace

int open_ring(io_uring& ring, const RingParameters& wanted, std::string& message) {
  constexpr unsigned kDeferred = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN;
  for (const unsigned taskrun : {kDeferred, static_cast<unsigned>(IORING_SETUP_COOP_TASKRUN)}) {
    if (taskrun == kDeferred && !wanted.deferred) continue;
    io_uring_params params{};
    params.flags = IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP | IORING_SETUP_TASKRUN_FLAG | taskrun;
    params.cq_entries = wanted.completions;
    int error = io_uring_queue_init_params(wanted.submissions, &ring, &params);
    if (error == -EINVAL) continue;  // a flag this kernel does not know
    if (error != 0) {
      message = refusal(error);
      return error;
    }
    constexpr unsigned kFeatures = IORING_FEAT_EXT_ARG | IORING_FEAT_NODROP;
    error = (params.features & kFeatures) == kFeatures ? try_multishot(ring) : -EOPNOTSUPP;
    if (error == 0) {
      io_uring_register_ring_fd(&ring);  // saves a descriptor look-up per call, where the kernel has it
      return 0;
    }
    io_uring_queue_exit(&ring);
    break;
  }
  message = "io_uring has no multishot receives into provided buffers here: they need Linux 6.0";
  return -EOPNOTSUPP;
}

}  // namespace demi::posix
