// What Capture wrote is read back by libpcap, which tcpdump is built on and which libdpdk-dev brings along.
#include "capture.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <pcap/pcap.h>
#include <rte_mbuf.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace capture_test {

using demi::dpdk::Capture;

namespace {

// An mbuf chain over plain memory: capturing needs no pool, and so no EAL.
class Frame {
 public:
  explicit Frame(const std::vector<std::string>& segments) : bytes_(segments), mbufs_(segments.size()) {
    for (std::size_t i = 0; i < mbufs_.size(); ++i) {
      mbufs_[i].buf_addr = bytes_[i].data();
      mbufs_[i].data_len = static_cast<std::uint16_t>(bytes_[i].size());
      mbufs_[i].next = i + 1 < mbufs_.size() ? &mbufs_[i + 1] : nullptr;
      mbufs_[0].pkt_len += mbufs_[i].data_len;
    }
  }
  rte_mbuf* mbuf() { return mbufs_.data(); }

 private:
  std::vector<std::string> bytes_;
  std::vector<rte_mbuf> mbufs_;
};

struct Folder {
  Folder() {
    char name[] = "/tmp/demi-capture-XXXXXX";
    REQUIRE(::mkdtemp(name) != nullptr);
    path = name;
  }
  ~Folder() { std::filesystem::remove_all(path); }
  std::string file(const char* name) const { return path + "/" + name; }
  std::string path;
};

struct Packet {
  std::string bytes;
  std::uint32_t original;
  std::uint64_t nanoseconds;
};

// The packets of a capture; REQUIREs that libpcap finds nothing wrong with it.
std::vector<Packet> read_back(const std::string& path) {
  char error[PCAP_ERRBUF_SIZE] = "";
  pcap_t* file = pcap_open_offline_with_tstamp_precision(path.c_str(), PCAP_TSTAMP_PRECISION_NANO, error);
  INFO(error);
  REQUIRE(file != nullptr);
  CHECK(pcap_datalink(file) == DLT_EN10MB);
  std::vector<Packet> packets;
  pcap_pkthdr* header = nullptr;
  const u_char* data = nullptr;
  int status = 0;
  while ((status = pcap_next_ex(file, &header, &data)) == 1) {
    packets.push_back({std::string(reinterpret_cast<const char*>(data), header->caplen), header->len,
                       static_cast<std::uint64_t>(header->ts.tv_sec) * 1'000'000'000 +
                           static_cast<std::uint64_t>(header->ts.tv_usec)});
  }
  const std::string problem = status == PCAP_ERROR_BREAK ? "" : pcap_geterr(file);
  pcap_close(file);
  CHECK(problem == "");
  return packets;
}

std::string contents(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::uint32_t word(const std::string& bytes, std::size_t at) {
  std::uint32_t value = 0;
  REQUIRE(at + sizeof value <= bytes.size());
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

// The directions of the packets, from epb_flags, which libpcap does not hand out.
std::vector<std::uint32_t> directions(const std::string& path) {
  const std::string bytes = contents(path);
  std::vector<std::uint32_t> found;
  for (std::size_t at = 0; at < bytes.size(); at += word(bytes, at + 4)) {
    if (word(bytes, at) == 6) found.push_back(word(bytes, at + word(bytes, at + 4) - 12));
  }
  return found;
}

std::unique_ptr<Capture> open_capture(const std::string& path) {
  std::string error;
  auto capture = Capture::open(path, "net_null0", error);
  CHECK(error == "");
  REQUIRE(capture != nullptr);
  return capture;
}

std::uint64_t wall_clock() {
  timespec time{};
  clock_gettime(CLOCK_REALTIME, &time);
  return static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000 + static_cast<std::uint64_t>(time.tv_nsec);
}

// Files of this process end at a size, as on a full disk.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    ::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() { ::setrlimit(RLIMIT_FSIZE, &before_); }

 private:
  rlimit before_{};
};

}  // namespace

TEST_CASE("frames of every length are read back, with their time and direction") {
  const Folder folder;
  const std::string path = folder.file("a.pcapng");
  const std::uint64_t before = wall_clock();
  std::vector<std::string> expected;
  {
    auto capture = open_capture(path);
    for (std::size_t length = 0; length <= 70; ++length) {
      expected.push_back(std::string(length, static_cast<char>('A' + length % 26)));
      Frame frame({expected.back()});
      rte_mbuf* burst[] = {frame.mbuf()};
      if (length % 2 == 0) {
        capture->on_received(burst, 1);
      } else {
        capture->on_sent(burst, 1);
      }
    }
    CHECK(capture->counters().frames == expected.size());
    CHECK(capture->counters().dropped == 0);
  }
  const auto packets = read_back(path);
  const auto flags = directions(path);
  REQUIRE(packets.size() == expected.size());
  REQUIRE(flags.size() == expected.size());
  for (std::size_t i = 0; i < packets.size(); ++i) {
    CHECK(packets[i].bytes == expected[i]);
    CHECK(packets[i].nanoseconds >= before);
    CHECK(packets[i].nanoseconds <= wall_clock());
    CHECK(flags[i] == (i % 2 == 0 ? 1 : 2));
  }
}

TEST_CASE("a chain is one packet, a burst several, and an overlong frame is cut") {
  const Folder folder;
  const std::string path = folder.file("a.pcapng");
  Frame chain({"one ", "", "two ", "three"});
  Frame single({"x"});
  Frame large({std::string(40'000, 'a'), std::string(40'000, 'b')});
  {
    auto capture = open_capture(path);
    rte_mbuf* burst[] = {chain.mbuf(), single.mbuf(), large.mbuf()};
    capture->on_received(burst, 3);
    capture->on_received(burst, 0);
  }
  const auto packets = read_back(path);
  REQUIRE(packets.size() == 3);
  CHECK(packets[0].bytes == "one two three");
  CHECK(packets[1].bytes == "x");
  CHECK(packets[2].bytes == std::string(40'000, 'a') + std::string(25'535, 'b'));
  CHECK(packets[2].original == 80'000);
}

TEST_CASE("a chain that holds less than it promises does not run over") {
  const Folder folder;
  const std::string path = folder.file("a.pcapng");
  Frame frame({"abc"});
  frame.mbuf()->pkt_len = 10;
  {
    auto capture = open_capture(path);
    rte_mbuf* burst[] = {frame.mbuf()};
    capture->on_received(burst, 1);
  }
  const auto packets = read_back(path);
  REQUIRE(packets.size() == 1);
  CHECK(packets[0].bytes == std::string("abc\0\0\0\0\0\0\0", 10));
}

TEST_CASE("more frames than the buffer holds, and what flush() has written is readable before the end") {
  const Folder folder;
  const std::string path = folder.file("a.pcapng");
  auto capture = open_capture(path);
  CHECK(read_back(path).empty());
  Frame frame({std::string(1500, 'f')});
  rte_mbuf* burst[] = {frame.mbuf()};
  for (int i = 0; i < 1000; ++i) capture->on_received(burst, 1);
  capture->flush();
  CHECK(read_back(path).size() == 1000);
  capture->on_received(burst, 1);
  capture.reset();
  CHECK(read_back(path).size() == 1001);
}

TEST_CASE("a full disk stops the capture and leaves whole packets") {
  const Folder folder;
  const std::string path = folder.file("a.pcapng");
  constexpr rlim_t kLimit = 301'003;
  const FileSizeLimit limit(kLimit);
  auto capture = open_capture(path);
  Frame frame({std::string(1501, 'f')});
  rte_mbuf* burst[] = {frame.mbuf()};
  for (int i = 0; i < 1000; ++i) capture->on_received(burst, 1);
  const auto counters = capture->counters();
  CHECK(counters.errors == 1);
  CHECK(counters.dropped > 0);
  CHECK(counters.frames + counters.dropped == 1000);
  capture.reset();
  CHECK(read_back(path).size() == counters.frames);
  CHECK(std::filesystem::file_size(path) < kLimit);
  CHECK(std::filesystem::file_size(path) > kLimit - 1600);
}

TEST_CASE("the reader of a FIFO may be slow: frames are dropped, the stream stays whole") {
  const Folder folder;
  const std::string path = folder.file("fifo");
  REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  const int reader = ::open(path.c_str(), O_RDONLY | O_NONBLOCK);
  REQUIRE(reader >= 0);
  auto capture = open_capture(path);
  std::string stream;
  const auto drain = [&] {
    char part[4096];
    for (ssize_t got = 0; (got = ::read(reader, part, sizeof part)) > 0;)
      stream.append(part, static_cast<std::size_t>(got));
  };
  Frame frame({std::string(1501, 'f')});
  rte_mbuf* burst[] = {frame.mbuf()};
  for (int i = 0; i < 1000; ++i) {
    capture->on_received(burst, 1);
    if (i == 500) drain();
  }
  CHECK(capture->counters().errors == 0);
  CHECK(capture->counters().dropped > 0);
  CHECK(capture->counters().frames + capture->counters().dropped == 1000);
  for (int i = 0; i < 100; ++i) {
    drain();
    capture->flush();
  }
  const auto frames = capture->counters().frames;
  capture.reset();
  drain();
  ::close(reader);
  const std::string copy = folder.file("copy.pcapng");
  std::ofstream(copy, std::ios::binary) << stream;
  CHECK(read_back(copy).size() == frames);
}

TEST_CASE("the reader of a FIFO may go away") {
  const Folder folder;
  const std::string path = folder.file("fifo");
  ::signal(SIGPIPE, SIG_IGN);  // as Node has it
  REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  const int reader = ::open(path.c_str(), O_RDONLY | O_NONBLOCK);
  auto capture = open_capture(path);
  Frame frame({std::string(1501, 'f')});
  rte_mbuf* burst[] = {frame.mbuf()};
  capture->on_received(burst, 1);
  ::close(reader);
  capture->flush();
  capture->on_received(burst, 1);
  CHECK(capture->counters().errors == 1);
  CHECK(capture->counters().frames == 0);
  CHECK(capture->counters().dropped == 2);
}

TEST_CASE("what cannot be opened is an error with a sentence") {
  const Folder folder;
  std::string error;
  CHECK(Capture::open(folder.file("none/a.pcapng"), "p", error) == nullptr);
  CHECK(error.find("cannot be written: No such file or directory") != std::string::npos);
  CHECK(Capture::open("/dev/full", "p", error) == nullptr);
  CHECK(error == "the capture file /dev/full cannot be written: No space left on device");
  const std::string fifo = folder.file("fifo");
  REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
  CHECK(Capture::open(fifo, "p", error) == nullptr);
  CHECK(error.find("nobody reads this FIFO") != std::string::npos);
}

}  // namespace capture_test
