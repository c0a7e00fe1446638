// Files that processes which were killed have left in /dev/shm: which are removed, and which never.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "raw_shm_peer.hpp"
#include "region_file.hpp"

namespace region_file_test {

using namespace demi::rdma;
using namespace demi::rdma::test;

namespace {

// A process that has ended, and whose number nobody has again for now.
pid_t dead_process() {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(0);
  REQUIRE(child > 0);
  REQUIRE(::waitpid(child, nullptr, 0) == child);
  REQUIRE(::kill(child, 0) != 0);
  return child;
}

class Directory {
 public:
  Directory() {
    std::string name = std::filesystem::temp_directory_path() / "demi-regions-XXXXXX";
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path = name;
  }
  ~Directory() { std::filesystem::remove_all(path); }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;

  std::filesystem::path file(const std::string& name, int seconds_old = 3600) const {
    const auto at = path / name;
    const OwnFd fd(::open(at.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    REQUIRE(fd.get() >= 0);
    timespec times[2]{};
    ::clock_gettime(CLOCK_REALTIME, &times[0]);
    times[0].tv_sec -= seconds_old;
    times[1] = times[0];
    REQUIRE(::futimens(fd.get(), times) == 0);
    return at;
  }
  std::filesystem::path path;
};

}  // namespace

TEST_CASE("only files of this user's processes that have ended are removed") {
  const Directory directory;
  const std::string dead = "demikernel-" + std::to_string(dead_process());
  const auto left = directory.file(dead + "-0-123");
  const auto left_too = directory.file(dead + "-1-99:0:1");
  std::vector<std::filesystem::path> kept{
      directory.file("demikernel-" + std::to_string(::getpid()) + "-0-1"),
      directory.file("demikernel-1-0-1"),
      directory.file(dead),
      directory.file(dead + "-0-1.txt"),
      directory.file("other-" + dead + "-0-1"),
      directory.file("demikernel--1-0"),
      directory.file("demikernel-0-1-1"),
      directory.file("demikernel-99999999999999999999-0-1"),
      directory.file("notes"),
      directory.file(dead + "-2-1", 0),  // its process may be about to say that it lives
  };
  // Held by whoever it is that this number means: another namespace's process.
  kept.push_back(directory.file(dead + "-3-1"));
  const OwnFd held(::open(kept.back().c_str(), O_RDWR | O_CLOEXEC));
  REQUIRE(::flock(held.get(), LOCK_SH) == 0);
  kept.push_back(directory.path / (dead + "-4-1"));
  std::filesystem::create_directory(kept.back());
  kept.push_back(directory.path / (dead + "-5-1"));
  std::filesystem::create_symlink(directory.path / "notes", kept.back());
  if (::geteuid() == 0) {
    kept.push_back(directory.file(dead + "-6-1"));
    REQUIRE(::chown(kept.back().c_str(), 65534, 65534) == 0);
  }
  CHECK(remove_dead_regions(directory.path) == 2);
  CHECK(!std::filesystem::exists(left));
  CHECK(!std::filesystem::exists(left_too));
  for (const auto& path : kept) CHECK_MESSAGE(std::filesystem::exists(std::filesystem::symlink_status(path)), path);
  CHECK(remove_dead_regions(directory.path) == 0);
  CHECK(remove_dead_regions(directory.path / "not there") == 0);
}

TEST_CASE("the file of a libOS is held until it is closed") {
  std::string name;
  {
    const auto fabric = shm_fabric();
    name = fabric->name();
    CHECK(is_region_name(name));
    CHECK(std::filesystem::exists("/dev/shm/" + name));
    CHECK(is_held(name));
    // However old it looks.
    timespec times[2]{};
    REQUIRE(::utimensat(AT_FDCWD, ("/dev/shm/" + name).c_str(), times, 0) == 0);
    remove_dead_regions();
    CHECK(std::filesystem::exists("/dev/shm/" + name));
  }
  CHECK(!std::filesystem::exists("/dev/shm/" + name));
  CHECK(!is_held(name));
}

TEST_CASE("what a process leaves that is killed is removed by the next libOS") {
  const std::string path = "/dev/shm/demikernel-" + std::to_string(dead_process()) + "-0-77";
  const OwnFd file(::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  REQUIRE(file.get() >= 0);
  timespec times[2]{};
  REQUIRE(::futimens(file.get(), times) == 0);
  const auto fabric = shm_fabric();
  CHECK(!std::filesystem::exists(path));
}

}  // namespace region_file_test
