#include "region_file.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <ctime>
#include <memory>
#include <utility>

namespace demi::rdma {

namespace {

constexpr std::string_view kPrefix = "demikernel-";
// Between libfabric's making the file and its being held.
constexpr std::time_t kYoungSeconds = 10;

bool same_file(const struct stat& a, const struct stat& b) { return a.st_dev == b.st_dev && a.st_ino == b.st_ino; }

// The process that one of our regions is named after; 0: no such name.
pid_t owner_of(std::string_view name) {
  if (!is_region_name(name)) return 0;
  name.remove_prefix(kPrefix.size());
  pid_t pid = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), pid);
  return error == std::errc() && pid > 0 && end != name.data() + name.size() && *end == '-' ? pid : 0;
}

bool remove_if_dead(int directory, const char* name) {
  const pid_t pid = owner_of(name);
  if (pid == 0 || ::kill(pid, 0) == 0 || errno != ESRCH) return false;
  // The number may mean another process to whoever gave the name (pid_namespaces(7)): only the lock is the same to all.
  const OwnFd file(::openat(directory, name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  struct stat opened;
  struct stat named;
  if (file.get() < 0 || ::fstat(file.get(), &opened) != 0 || !S_ISREG(opened.st_mode)) return false;
  if (opened.st_uid != ::geteuid() || opened.st_mtime > ::time(nullptr) - kYoungSeconds) return false;
  if (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) return false;
  return ::fstatat(directory, name, &named, AT_SYMLINK_NOFOLLOW) == 0 && same_file(opened, named) &&
         ::unlinkat(directory, name, 0) == 0;
}

}  // namespace

std::string region_name(std::uint32_t number, std::uint32_t random) {
  return std::string(kPrefix) + std::to_string(::getpid()) + "-" + std::to_string(number) + "-" +
         std::to_string(random);
}

bool is_region_name(std::string_view name) {
  return name.starts_with(kPrefix) &&
         name.find_first_not_of("0123456789-:", kPrefix.size()) == std::string_view::npos &&
         name.size() > kPrefix.size();
}

OwnFd hold_region(const std::string& name) {
  OwnFd file(::open(("/dev/shm/" + name).c_str(), O_RDWR | O_NOFOLLOW | O_CLOEXEC));
  return file.get() >= 0 && ::flock(file.get(), LOCK_SH | LOCK_NB) == 0 ? std::move(file) : OwnFd();
}

bool is_held(const std::string& name) {
  if (!is_region_name(name)) return false;
  const OwnFd file(::open(("/dev/shm/" + name).c_str(), O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  return file.get() >= 0 && ::flock(file.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
}

int remove_dead_regions(const std::string& directory) {
  const std::unique_ptr<DIR, int (*)(DIR*)> listed(::opendir(directory.c_str()), ::closedir);
  if (!listed) return 0;
  int removed = 0;
  while (const dirent* const entry = ::readdir(listed.get())) {
    if (remove_if_dead(::dirfd(listed.get()), entry->d_name)) ++removed;
  }
  return removed;
}

}  // namespace demi::rdma
