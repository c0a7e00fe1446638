// Files as queues, against the kernel's own files.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/fsuid.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <thread>

#include "application.hpp"
#include "file_worker.hpp"

namespace file_queue_test {

using namespace demi;
using demi::test::Application;

namespace {

// An engine that has files and nothing else.
class FileEngine final : public Engine {
 public:
  explicit FileEngine(Runtime& runtime) : files(runtime) {}
  const char* name() const override { return "files"; }
  std::unique_ptr<Queue> open(const FileRequest& request, int& error) override { return files.open(request, error); }
  std::uint8_t provides() const override { return kFiles; }
  void poll() override { files.poll(); }
  bool wait(std::uint32_t us) override {
    if (files.poll() == 0 && files.in_flight() > 0) {
      pollfd p{files.eventfd(), POLLIN, 0};
      ::poll(&p, 1, static_cast<int>(us / 1000 + 1));
      files.poll();
    }
    return true;
  }
  void stats(const StatSink& sink) const override { files.stats(sink); }

  FileWorker files;
};

struct Fixture {
  Application app;
  FileEngine* engine;
  std::filesystem::path dir;

  explicit Fixture(const Limits& limits = test::small_limits()) : app(limits) {
    auto made = std::make_unique<FileEngine>(app.runtime());
    engine = made.get();
    REQUIRE(app.add(std::move(made)));
    char name[] = "/tmp/demi-files-XXXXXX";
    REQUIRE(::mkdtemp(name) != nullptr);
    dir = name;
  }
  ~Fixture() { std::filesystem::remove_all(dir); }

  int open(const std::string& path, int flags, bool durable = false) {
    int error = 0;
    auto queue = engine->open({path, flags, 0644, durable}, error);
    CHECK((queue == nullptr) == (error < 0));
    return queue ? app.runtime().adopt(std::move(queue)) : error;
  }
  std::string path(const char* name = "file") const { return dir / name; }
  void put(const std::string& text, const char* name = "file") const { std::ofstream(path(name)) << text; }
  std::string content(const char* name = "file") const {
    std::ifstream in(path(name));
    return {std::istreambuf_iterator<char>(in), {}};
  }
  std::int32_t push(Qd qd, std::string_view text) {
    const auto c = app.wait(app.push(qd, app.from(text), layout::kFlagFree));
    REQUIRE(c);
    return c->result;
  }
  // What a pop brings; "EOF" at the end.
  std::string pop(Qd qd, std::int32_t limit = 0) {
    const auto c = app.wait(app.pop(qd, limit));
    REQUIRE(c);
    REQUIRE(c->result >= 0);
    if (c->value == 0) return c->result == 0 ? "EOF" : "a length without an sga";
    const std::string text = app.text(c->value);
    CHECK(text.size() == static_cast<std::size_t>(c->result));
    app.arena().free(c->value);
    return text;
  }
  std::int64_t seek(Qd qd, std::int64_t offset, int whence = SEEK_SET) {
    std::int64_t position = -1;
    const int error = app.runtime().find(qd)->seek(offset, whence, position);
    return error != 0 ? error : position;
  }
  void close_and_settle(Qd qd) {
    app.runtime().close(qd);
    for (int i = 0; i < 1000 && engine->files.in_flight() != 0; ++i) app.turn(10'000);
    app.turn();
  }
};

std::size_t threads_of_this_process() {
  std::size_t n = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator("/proc/self/task")) ++n;
  return n;
}

}  // namespace

TEST_CASE_FIXTURE(Fixture, "file: what is pushed is in the file, what is in the file pops") {
  const Qd qd = open(path(), O_RDWR | O_CREAT);
  REQUIRE(qd > 0);
  CHECK(push(qd, "hello ") == 6);
  CHECK(push(qd, "world") == 5);
  CHECK(content() == "hello world");
  CHECK(pop(qd) == "EOF");
  CHECK(seek(qd, 0) == 0);
  CHECK(pop(qd) == "hello world");
  CHECK(pop(qd) == "EOF");
  CHECK(pop(qd) == "EOF");
  app.runtime().close(qd);
  CHECK(app.at_rest());
  CHECK(app.stats()["openFiles"] == 0);
}

TEST_CASE_FIXTURE(Fixture, "file: reads and writes share one cursor") {
  put("0123456789");
  const Qd qd = open(path(), O_RDWR);
  CHECK(pop(qd, 3) == "012");
  CHECK(push(qd, "ab") == 2);
  CHECK(pop(qd, 2) == "56");
  CHECK(content() == "012ab56789");
  CHECK(seek(qd, 0, SEEK_CUR) == 7);
  CHECK(seek(qd, -3, SEEK_END) == 7);
  CHECK(pop(qd) == "789");
}

TEST_CASE_FIXTURE(Fixture,
                  "file: append writes at the end wherever the cursor is, and leaves it behind what was written") {
  put("0123");
  const Qd qd = open(path(), O_RDWR | O_APPEND);
  CHECK(pop(qd, 1) == "0");
  std::ofstream(path(), std::ios::app) << "45";  // somebody else
  CHECK(push(qd, "67") == 2);
  CHECK(content() == "01234567");
  CHECK(seek(qd, 0, SEEK_CUR) == 8);
  CHECK(seek(qd, 2) == 2);
  CHECK(push(qd, "8") == 1);
  CHECK(content() == "012345678");
}

TEST_CASE_FIXTURE(Fixture, "file: segments are written in order, as one") {
  const Qd qd = open(path(), O_WRONLY | O_CREAT);
  const auto c = app.wait(app.push(qd, app.from({"a", "", "bc", "def"}), layout::kFlagFree));
  REQUIRE(c);
  CHECK(c->result == 6);
  CHECK(content() == "abcdef");
}

TEST_CASE_FIXTURE(
    Fixture, "file: operations started together complete in that order, with the outcome of doing them one by one") {
  put("abcdefghij");
  const Qd qd = open(path(), O_RDWR);
  std::vector<Qt> started{
      app.pop(qd, 2),                                   // ab
      app.push(qd, app.from("XY"), layout::kFlagFree),  // over cd
      app.push(qd, app.from("Z"), layout::kFlagFree),   // over e
      app.pop(qd, 2),                                   // fg
      app.push(qd, app.from("!"), layout::kFlagFree),   // over h
      app.pop(qd),                                      // ij
      app.pop(qd),                                      // end
  };
  std::vector<Qt> order;
  std::string read;
  for (int i = 0; i < 1000 && order.size() < started.size(); ++i) {
    for (const auto& c : app.turn(10'000)) {
      order.push_back(c.qt);
      if (c.value != 0) read += app.text(c.value) + ",";
    }
  }
  CHECK(order == started);
  CHECK(read == "ab,fg,ij,");
  CHECK(content() == "abXYZfg!ij");
}

TEST_CASE_FIXTURE(Fixture, "file: many pushes at once arrive whole and in order, in fewer writes than pushes") {
  const Qd qd = open(path(), O_WRONLY | O_CREAT | O_APPEND);
  std::string expected;
  std::vector<Qt> started;
  std::vector<Qt> order;
  for (int round = 0; round < 20; ++round) {
    for (int i = 0; i < 12; ++i) {
      const std::string record = std::to_string(round * 100 + i) + ";";
      expected += record;
      started.push_back(app.push(qd, app.from(record), layout::kFlagFree));
    }
    for (int i = 0; i < 1000 && order.size() < started.size(); ++i) {
      for (const auto& c : app.turn(10'000)) {
        CHECK(c.result > 0);
        order.push_back(c.qt);
      }
    }
  }
  CHECK(order == started);
  CHECK(content() == expected);
  CHECK(app.stats()["fileJobs"] < 240);
  CHECK(app.stats()["fileJobs"] >= 20);
}

TEST_CASE_FIXTURE(Fixture, "file: a durable file opens with O_DSYNC, and its pushes complete") {
  const Qd qd = open(path(), O_RDWR | O_CREAT | O_APPEND, true);
  REQUIRE(qd > 0);
  bool dsync = false;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code ignored;
    if (std::filesystem::read_symlink(entry.path(), ignored) != path()) continue;
    dsync = (::fcntl(std::stoi(entry.path().filename()), F_GETFL) & O_DSYNC) != 0;
  }
  CHECK(dsync);
  for (int i = 0; i < 5; ++i) CHECK(push(qd, "record\n") == 7);
  CHECK(content() == "record\nrecord\nrecord\nrecord\nrecord\n");
}

TEST_CASE_FIXTURE(Fixture, "file: large data: one slot a pop, at most the limit") {
  std::string data(150'000, '\0');
  for (std::size_t i = 0; i < data.size(); ++i) data[i] = static_cast<char>('a' + i % 23);
  put(data);
  const Qd qd = open(path(), O_RDONLY);
  std::string got;
  std::vector<std::size_t> pieces;
  for (std::string piece; (piece = pop(qd)) != "EOF";) {
    got += piece;
    pieces.push_back(piece.size());
  }
  CHECK(got == data);
  CHECK(pieces == std::vector<std::size_t>{65536, 65536, 150'000 - 2 * 65536});
  seek(qd, 0);
  CHECK(pop(qd, 5000).size() == 5000);
  CHECK(pop(qd, 1).size() == 1);
  CHECK(pop(qd, 0x7fffffff).size() == 65536);  // the largest slot
}

// ---- open ----------------------------------------------------------------------------------------------------------------

TEST_CASE_FIXTURE(Fixture, "file: open errors") {
  CHECK(open(path("missing"), O_RDONLY) == -ENOENT);
  CHECK(open("", O_RDONLY) == -ENOENT);
  CHECK(open(path("no/such/dir"), O_WRONLY | O_CREAT) == -ENOENT);
  CHECK(open(dir, O_RDONLY) == -EISDIR);
  CHECK(open(dir, O_RDWR) == -EISDIR);
  put("x");
  CHECK(open(path(), O_RDWR | O_CREAT | O_EXCL) == -EEXIST);
  CHECK(open(path() + "/below", O_RDONLY) == -ENOTDIR);
  CHECK(open(std::string(5000, 'a'), O_RDONLY) == -ENAMETOOLONG);
  CHECK(open(path() + std::string("\0.txt", 5), O_RDONLY) == -EINVAL);
  CHECK(open(path(), O_RDONLY | O_DIRECTORY) == -EINVAL);
  CHECK(open(path(), O_PATH) == -EINVAL);
  CHECK(open(dir, O_RDWR | O_TMPFILE) == -EINVAL);
  CHECK(open(path(), -1) == -EINVAL);
  CHECK(app.stats()["openFiles"] == 0);
}

TEST_CASE_FIXTURE(Fixture, "file: no permission is EACCES") {
  put("secret");
  ::chmod(path().c_str(), 0);
  const bool root = ::geteuid() == 0;
  if (root) {
    std::filesystem::permissions(dir, std::filesystem::perms::all);
    ::setfsuid(65534);  // root may open anything: be nobody for the file system
  }
  CHECK(open(path(), O_RDONLY) == -EACCES);
  if (root) ::setfsuid(0);
}

TEST_CASE_FIXTURE(Fixture, "file: a pipe or socket is refused without waiting for its other end") {
  REQUIRE(::mkfifo(path("fifo").c_str(), 0600) == 0);
  CHECK(open(path("fifo"), O_RDONLY) == -ESPIPE);
  CHECK(open(path("fifo"), O_WRONLY) == -ENXIO);
  CHECK(open(path("fifo"), O_RDWR) == -ESPIPE);
}

TEST_CASE_FIXTURE(Fixture, "file: flags O_TRUNC and O_CREAT with a mode") {
  put("old");
  const Qd qd = open(path(), O_RDWR | O_TRUNC);
  CHECK(content().empty());
  app.runtime().close(qd);
  const mode_t mask = ::umask(0);
  CHECK(open(path("new"), O_RDWR | O_CREAT) > 0);
  ::umask(mask);
  struct stat status {};
  REQUIRE(::stat(path("new").c_str(), &status) == 0);
  CHECK((status.st_mode & 07777) == 0644);
}

// ---- errors of operations --------------------------------------------------------------------------------------------------

TEST_CASE_FIXTURE(Fixture, "file: a full device is ENOSPC for every push, and nothing is kept") {
  const Qd qd = open("/dev/full", O_WRONLY);
  REQUIRE(qd > 0);
  for (int i = 0; i < 3; ++i) CHECK(push(qd, "x") == -ENOSPC);
  std::vector<Qt> many;
  for (int i = 0; i < 10; ++i) many.push_back(app.push(qd, app.from("y"), layout::kFlagFree));
  for (const Qt qt : many) CHECK(app.wait(qt)->result == -ENOSPC);
  app.runtime().close(qd);
  CHECK(app.at_rest());
}

TEST_CASE_FIXTURE(Fixture, "file: reading what is open for writing only, and the other way round, is EBADF") {
  put("x");
  const Qd writer = open(path(), O_WRONLY);
  CHECK(app.wait(app.pop(writer))->result == -EBADF);
  const Qd reader = open(path(), O_RDONLY);
  CHECK(push(reader, "y") == -EBADF);
  CHECK(content() == "x");
  app.runtime().close(writer);
  app.runtime().close(reader);
  CHECK(app.at_rest());
}

TEST_CASE_FIXTURE(
    Fixture,
    "file: a write that stops half way: the pushes before it count, it fails, those behind try for themselves") {
  const Qd qd = open(path(), O_RDWR | O_CREAT);
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
  const rlimit small{10, before.rlim_max};
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  ::setrlimit(RLIMIT_FSIZE, &small);  // the kernel takes 10 bytes, then answers EFBIG
  std::vector<Qt> started;
  started.push_back(app.pop(qd));  // keeps the worker busy, so that the pushes go together
  for (const char* s : {"aaaa", "bbbb", "cccc", "dd"}) started.push_back(app.push(qd, app.from(s), layout::kFlagFree));
  std::vector<std::int32_t> results;
  for (const Qt qt : started) results.push_back(app.wait(qt)->result);
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  // "dd" goes where "cccc" began, and fits.
  CHECK(results == std::vector<std::int32_t>{0, 4, 4, -EFBIG, 2});
  CHECK(content() == "aaaabbbbdd");
  CHECK(seek(qd, 0, SEEK_CUR) == 10);
  app.runtime().close(qd);
  CHECK(app.at_rest());
}

// ---- seek and truncate -------------------------------------------------------------------------------------------------------

TEST_CASE_FIXTURE(Fixture, "file: seek") {
  put("0123456789");
  const Qd qd = open(path(), O_RDWR);
  CHECK(seek(qd, -1) == -EINVAL);
  CHECK(seek(qd, -11, SEEK_END) == -EINVAL);
  CHECK(seek(qd, 0, 99) == -EINVAL);
  CHECK(seek(qd, 5) == 5);
  CHECK(seek(qd, -6, SEEK_CUR) == -EINVAL);
  CHECK(seek(qd, 0x7fffffffffffffff, SEEK_CUR) == -EOVERFLOW);
  CHECK(seek(qd, 0, SEEK_CUR) == 5);
  CHECK(seek(qd, 20) == 20);
  CHECK(pop(qd) == "EOF");
  CHECK(push(qd, "x") == 1);
  CHECK(content() == std::string("0123456789") + std::string(10, '\0') + "x");
  CHECK(seek(qd, 0x7fffffffffffffff) == 0x7fffffffffffffff);
  CHECK(push(qd, "y") < 0);
  CHECK(content().size() == 21);
}

TEST_CASE_FIXTURE(Fixture, "file: truncate") {
  put("0123456789");
  const Qd qd = open(path(), O_RDWR);
  Queue& queue = *app.runtime().find(qd);
  CHECK(queue.truncate(4) == 0);
  CHECK(content() == "0123");
  CHECK(queue.truncate(6) == 0);
  CHECK(content() == std::string("0123\0\0", 6));
  CHECK(queue.truncate(-1) == -EINVAL);
  const Qd reader = open(path(), O_RDONLY);
  CHECK(app.runtime().find(reader)->truncate(0) == -EINVAL);
}

TEST_CASE_FIXTURE(Fixture, "file: seek and truncate are EBUSY while operations are pending") {
  put("0123456789");
  const Qd qd = open(path(), O_RDWR);
  const Qt qt = app.pop(qd, 2);
  app.runtime().submit();
  CHECK(seek(qd, 0) == -EBUSY);
  CHECK(app.runtime().find(qd)->truncate(0) == -EBUSY);
  CHECK(app.wait(qt)->result == 2);
  CHECK(seek(qd, 0) == 0);
}

// ---- cancel, close, memory -----------------------------------------------------------------------------------------------------

TEST_CASE_FIXTURE(Fixture, "file: what has not begun can be cancelled, what has cannot") {
  const Qd qd = open(path(), O_RDWR | O_CREAT);
  const Qt first = app.push(qd, app.from("one"), layout::kFlagFree);
  const Qt second = app.push(qd, app.from("two"), layout::kFlagFree);
  const Qt third = app.push(qd, app.from("three"), layout::kFlagFree);
  app.runtime().submit();  // the first is with the worker, or done but not collected
  CHECK(app.runtime().cancel(first) == 0);
  CHECK(app.runtime().cancel(second) == 1);
  CHECK(app.wait(first)->result == 3);
  CHECK(app.wait(second)->result == -ECANCELED);
  CHECK(app.wait(third)->result == 5);
  CHECK(content() == "onethree");
}

TEST_CASE_FIXTURE(Fixture, "file: a dropped pop in flight frees its slot") {
  put("0123");
  const Qd qd = open(path(), O_RDONLY);
  const Qt qt = app.pop(qd);
  app.runtime().submit();
  CHECK(app.runtime().drop(qt) == 0);
  for (int i = 0; i < 1000 && app.stats()["outstanding"] != 0; ++i) CHECK(app.turn(10'000).empty());
  app.runtime().close(qd);
  CHECK(app.at_rest());
}

TEST_CASE_FIXTURE(Fixture,
                  "file: close ends everything with ECANCELED at once and keeps memory until the worker is done") {
  for (int round = 0; round < 50; ++round) {
    const Qd qd = open(path(), O_RDWR | O_CREAT);
    std::vector<Qt> started;
    const Sga kept = app.alloc({60000});
    started.push_back(app.push(qd, kept));
    started.push_back(app.pop(qd));
    started.push_back(app.push(qd, app.from("late"), layout::kFlagFree));
    app.runtime().submit();
    if (round % 3 == 0) std::this_thread::sleep_for(std::chrono::microseconds(50));
    app.runtime().close(qd);
    app.free(kept);
    const auto done = app.turn();
    REQUIRE(done.size() == 3);
    for (std::size_t i = 0; i < 3; ++i) {
      CHECK(done[i].qt == started[i]);
      CHECK(done[i].result == -ECANCELED);
    }
    for (int i = 0; i < 1000 && engine->files.in_flight() != 0; ++i) app.turn(10'000);
    REQUIRE(app.at_rest());
    REQUIRE(app.stats()["openFiles"] == 0);
  }
}

TEST_CASE("file: a runtime destroyed with work in flight waits for the worker and leaves nothing behind") {
  for (int round = 0; round < 20; ++round) {
    Fixture f;
    for (int i = 0; i < 4; ++i) {
      const Qd qd = f.open(f.path(std::to_string(i).c_str()), O_RDWR | O_CREAT);
      f.app.push(qd, f.app.alloc({4000}), layout::kFlagFree);
      f.app.pop(qd);
    }
    f.app.runtime().submit();
  }
}

TEST_CASE("file: without memory a pop takes a smaller slot, then waits until one is free") {
  Limits limits = test::small_limits();
  limits.classes = {{256, 2}, {65536, 1}};
  Fixture f(limits);
  f.put(std::string(1000, 'x'));
  const Qd qd = f.open(f.path(), O_RDONLY);
  const Sga large = f.app.alloc({65536});
  const auto first = f.app.wait(f.app.pop(qd));
  CHECK(first->result == 256);
  const auto second = f.app.wait(f.app.pop(qd));
  CHECK(second->result == 256);
  const Qt starving = f.app.pop(qd);
  const Qt behind = f.app.pop(qd);
  CHECK_FALSE(f.app.wait(starving, 0.05));
  CHECK(f.app.runtime().cancel(behind) == 1);
  f.app.free(first->value);
  const auto third = f.app.wait(starving);
  REQUIRE(third);
  CHECK(third->result == 256);
  SUBCASE("a waiting pop can be cancelled") {
    const Qt waiting = f.app.pop(qd);
    CHECK_FALSE(f.app.wait(waiting, 0.01));
    CHECK(f.app.runtime().cancel(waiting) == 1);
    f.app.free(large);
    CHECK(f.app.wait(f.app.pop(qd))->result == 232);
  }
  SUBCASE("closing a starved file is safe") {
    const Qt waiting = f.app.pop(qd);
    CHECK_FALSE(f.app.wait(waiting, 0.01));
    f.app.runtime().close(qd);
    f.app.free(large);
    CHECK(f.app.wait(waiting)->result == -ECANCELED);
    f.app.turn();
  }
}

TEST_CASE("file: more busy files than the worker's ring holds: all are served") {
  Limits limits = test::small_limits();
  limits.ring_entries = 512;
  limits.tokens = 1024;
  limits.queues = 512;
  limits.classes = {{256, 1024}};
  Fixture f(limits);
  std::vector<Qd> files;
  for (int i = 0; i < 400; ++i) files.push_back(f.open(f.path(std::to_string(i).c_str()), O_WRONLY | O_CREAT));
  std::vector<Qt> started;
  for (const Qd qd : files) {
    REQUIRE(qd > 0);
    started.push_back(f.app.push(qd, f.app.from("x"), layout::kFlagFree));
  }
  f.app.runtime().submit();
  CHECK(f.app.stats()["fileJobsInFlight"] <= 256);
  for (const Qt qt : started) REQUIRE(f.app.wait(qt)->result == 1);
  for (const Qd qd : files) f.app.runtime().close(qd);
  CHECK(f.app.at_rest());
}

// ---- the worker ----------------------------------------------------------------------------------------------------------------

TEST_CASE("file: no thread before the first operation, one afterwards, none after the end") {
  const std::size_t before = threads_of_this_process();
  {
    Fixture f;
    const Qd qd = f.open(f.path(), O_RDWR | O_CREAT);
    CHECK(threads_of_this_process() == before);
    f.push(qd, "x");
    f.push(f.open(f.path("second"), O_RDWR | O_CREAT), "x");
    CHECK(threads_of_this_process() == before + 1);
  }
  CHECK(threads_of_this_process() == before);
}

TEST_CASE_FIXTURE(Fixture, "file: the eventfd becomes readable with a result and is quiet once the result is taken") {
  const Qd qd = open(path(), O_RDWR | O_CREAT);
  const auto readable = [&](int ms) {
    pollfd p{engine->files.eventfd(), POLLIN, 0};
    return ::poll(&p, 1, ms) == 1;
  };
  for (int round = 0; round < 200; ++round) {
    const Qt qt = app.push(qd, app.from("x"), layout::kFlagFree);
    app.runtime().submit();
    // Take the result by polling alone in some rounds: the signal then comes before, with or after it.
    if (round % 2 == 0) CHECK(readable(10'000));
    REQUIRE(app.wait(qt));
    for (int i = 0; i < 1000 && readable(0); ++i) app.turn();
    REQUIRE_FALSE(readable(0));
  }
}

}  // namespace file_queue_test
