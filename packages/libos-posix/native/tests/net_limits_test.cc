// Descriptors, memory and privileges run out, and peers want it so.
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <cstddef>

#include "net_fixture.hpp"

namespace net_limits_test {

using namespace demi;
using namespace demi::posix::test;

namespace {

// The process has no descriptor to spare while this lives.
class NoDescriptors {
 public:
  explicit NoDescriptors(int spare) {
    ::getrlimit(RLIMIT_NOFILE, &before_);
    const int next = ::dup(0);
    ::close(next);
    rlimit limit = before_;
    limit.rlim_cur = static_cast<rlim_t>(next + spare);
    REQUIRE(::setrlimit(RLIMIT_NOFILE, &limit) == 0);
  }
  ~NoDescriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_;
};

}  // namespace

ON_EACH_ENGINE(accept_waits_for_descriptors) {
  Libos os(engine);
  const Qd listener = os.listener();
  std::vector<Peer> peers;
  for (int i = 0; i < 3; ++i) {
    peers.push_back(Peer::to(os.port(listener)));
    peers.back().send("peer " + std::to_string(i));
  }
  Qd first = 0, second = 0, third = 0;
  {
    const NoDescriptors none(1);
    const Qt a = os.accept(listener), b = os.accept(listener), c = os.accept(listener);
    first = os.wait(a).value;
    os.spin(30);
    CHECK(!os.done(b));
    CHECK(os.stat("acceptPaused") >= 1);
    CHECK(os.stat("acceptPaused") <= 3);  // it does not spin on the error
    const int due = os.runtime().engines().prepare_sleep();
    // 0 on a machine that was busy for so long: the time to try again has come.
    CHECK(due >= 0);
    CHECK(due <= 100);
    os.runtime().engines().end_sleep();
    // One of the libOS's descriptors becomes free: the next try is due at once.
    os.close(first);
    CHECK(os.runtime().engines().prepare_sleep() == 0);
    os.runtime().engines().end_sleep();
    second = os.wait(b).value;
    CHECK(os.take(os.wait(os.pop(second))) == "peer 1");
    // A descriptor of somebody else's becomes free: nobody tells us.
    peers[0].close();
    third = os.wait(c).value;
    CHECK(os.take(os.wait(os.pop(third))) == "peer 2");
  }
  for (const Qd qd : {second, third, listener}) os.close(qd);
  os.check_clean();
}

ON_EACH_ENGINE(no_descriptor_for_a_socket_is_an_error) {
  Libos os(engine);
  const NoDescriptors none(0);
  int error = 0;
  CHECK(!os.runtime().engines().socket({SocketKind::kStream, 4, Framing::kStream, 0}, error));
  CHECK(error == -EMFILE);
  CHECK(!os.runtime().engines().socket({SocketKind::kStream, 5, Framing::kStream, 0}, error));
  CHECK(error == -EAFNOSUPPORT);
}

ON_EACH_ENGINE(a_socket_without_a_queue_descriptor_leaks_nothing) {
  Limits limits = small_limits();
  limits.queues = 1;
  Libos os(engine, limits);
  const Qd only = os.socket();
  const int before = ::dup(0);
  ::close(before);
  for (const SocketKind kind : {SocketKind::kStream, SocketKind::kDatagram}) {
    int error = 0;
    CHECK(os.runtime().adopt(os.runtime().engines().socket({kind, 4, Framing::kStream, 0}, error)) == -EMFILE);
  }
  os.turn();
  const int after = ::dup(0);
  ::close(after);
  CHECK(before == after);
  os.close(only);
  os.check_clean();
}

ON_EACH_ENGINE(flooding_peers_do_not_starve_the_others) {
  Libos os(engine);
  const Qd listener = os.listener();
  const Qt accept_good = os.accept(listener);
  Peer good = Peer::to(os.port(listener));
  const Qd served = os.wait(accept_good).value;
  constexpr int kFlooders = 100;
  std::vector<Peer> flooders;
  std::vector<Qd> ignored;
  for (int i = 0; i < kFlooders; ++i) {
    const Qt accept = os.accept(listener);
    flooders.push_back(Peer::to(os.port(listener)));
    ::fcntl(flooders.back().fd(), F_SETFL, O_NONBLOCK);
    ignored.push_back(os.wait(accept).value);
    os.pop(ignored.back());  // answered once, then never popped again
  }
  const std::string block(32768, 'f');
  double most = 0;
  for (int round = 0; round < 60; ++round) {
    for (Peer& f : flooders) (void)!::send(f.fd(), block.data(), block.size(), MSG_NOSIGNAL);
    const Qt pop = os.pop(served);
    os.turn();
    good.send("still served?");
    const Completion c = os.wait(pop);
    CHECK(os.text(c.value) == "still served?");
    os.push(served, c.value);
    os.turn();
    CHECK(good.receive() == "still served?");
    most = std::max(most, os.stat("deviceSlots"));
  }
  MESSAGE(std::string(engine) << ": at most " << most << " slots held for " << kFlooders << " flooding peers");
  CHECK(most <= 320);  // of 512 in the class
  for (const Qd qd : ignored) os.close(qd);
  os.close(served);
  os.close(listener);
  os.spin(5);
}

ON_EACH_ENGINE(a_client_that_never_reads_does_not_block_the_others) {
  Libos os(engine);
  Pair slow(os);
  const Qt accept = os.accept(slow.listener);
  Peer good = Peer::to(os.port(slow.listener));
  const Qd served = os.wait(accept).value;
  std::vector<Qt> stuck;
  const Sga shared = os.from(std::string(60000, 's'));
  for (int i = 0; i < 300; ++i) stuck.push_back(os.push(slow.qd, shared, 0));
  for (int i = 0; i < 100; ++i) {
    const Qt pop = os.pop(served);
    os.turn();
    good.send("quick");
    const Completion c = os.wait(pop);
    os.push(served, c.value);
    os.turn();
    CHECK(good.receive() == "quick");
  }
  CHECK(!os.done(stuck.back()));
  // The application frees what it lent; the memory comes back when the kernel has let go.
  os.free(shared);
  os.close(slow.qd);
  CHECK(os.wait(stuck.back()).result == -ECANCELED);
  os.close(served);
  os.close(slow.listener);
  os.check_clean();
}

ON_EACH_ENGINE(destroying_the_libos_with_everything_under_way) {
  auto os = std::make_unique<Libos>(engine);
  Pair pair(*os);
  for (int i = 0; i < 6; ++i) os->push(pair.qd, os->from(std::string(1 << 20, 'x')));
  os->pop(pair.qd);
  os->accept(pair.listener);
  const Qd udp = os->socket(SocketKind::kDatagram);
  os->pop(udp);
  os->turn();
  os->push(pair.qd, os->from("not even submitted"));
  os.reset();
  while (!pair.peer->receive(1 << 20).empty()) {
  }
  CHECK((pair.peer->ended || pair.peer->error == ECONNRESET));
}

// Runs `body` in a child that may not make rings; the child's exit code.
static int without_io_uring(int answer, int (*body)()) {
  const pid_t child = ::fork();
  if (child == 0) {
    sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (static_cast<unsigned>(answer) & SECCOMP_RET_DATA)),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const sock_fprog program{sizeof code / sizeof *code, code};
    if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
      ::_exit(99);
    ::_exit(body());
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  REQUIRE(WIFEXITED(status));
  return WEXITSTATUS(status);
}

TEST_CASE("net: where io_uring is forbidden, auto falls back and io_uring says why") {
  for (const int answer : {EPERM, ENOSYS}) {
    const int code = without_io_uring(answer, [] {
      Runtime runtime(small_limits());
      Failure failure;
      const auto automatic = posix::open_device({{"engine", "auto"}}, failure)->start(runtime, failure);
      if (!automatic || std::string(automatic->name()) != "epoll") return 1;
      const auto forced = posix::open_device({{"engine", "io_uring"}}, failure)->start(runtime, failure);
      if (forced || (failure.error != -EPERM && failure.error != -ENOSYS)) return 2;
      return failure.message.find("seccomp") == std::string::npos ? 3 : 0;
    });
    CHECK(code == 0);
  }
}

TEST_CASE("net: an unknown engine is refused") {
  Failure failure;
  CHECK(!posix::open_device({{"engine", "dpdk"}}, failure));
  CHECK(failure.error == -EINVAL);
  CHECK(failure.message.find("dpdk") != std::string::npos);
}

ON_EACH_ENGINE(an_arena_of_one_small_size_still_works) {
  Limits limits = small_limits();
  limits.classes = {{64, 64}};
  Libos os(engine, limits);
  Pair pair(os);
  const std::string text(1000, 's');
  pair.peer->send(text);
  std::string got;
  while (got.size() < text.size()) {
    const Completion c = os.wait(os.pop(pair.qd));
    REQUIRE(c.result > 0);
    got += os.take(c);
  }
  CHECK(got == text);
  pair.close();
  // A datagram that no slot holds is lost, and says so; the next one arrives.
  const Qd a = os.socket(SocketKind::kDatagram);
  const Qd b = os.socket(SocketKind::kDatagram);
  REQUIRE(os.bind(b, "127.0.0.1") == 0);
  CHECK(os.wait(os.connect(a, "127.0.0.1", os.port(b))).result == 0);
  const std::uint32_t sizes[] = {50, 50};
  CHECK(os.wait(os.push(a, os.runtime().alloc_chain(sizes))).result == 100);
  CHECK(os.wait(os.push(a, os.from("short"))).result == 5);
  CHECK(os.wait(os.pop(b)).result == -EMSGSIZE);
  CHECK(os.stat("datagramsTooLarge") == 1);
  CHECK(os.take(os.wait(os.pop(b))) == "short");
  os.close(a);
  os.close(b);
  os.check_clean();
}

ON_EACH_ENGINE(many_connections_come_and_go) {
  Libos os(engine);
  const Qd listener = os.listener();
  for (int round = 0; round < 5; ++round) {
    std::vector<Peer> peers;
    std::vector<Qd> qds;
    std::vector<Qt> pops;
    for (int i = 0; i < 120; ++i) {
      const Qt accept = os.accept(listener);
      peers.push_back(Peer::to(os.port(listener)));
      qds.push_back(os.wait(accept).value);
      pops.push_back(os.pop(qds.back()));
    }
    for (int i = 0; i < 120; ++i) peers[i].send("number " + std::to_string(i));
    for (int i = 0; i < 120; ++i) CHECK(os.take(os.wait(pops[i])) == "number " + std::to_string(i));
    for (int i = 0; i < 120; ++i) {
      if (i % 3 == 0) peers[i].reset();
      if (i % 3 == 1) os.pop(qds[i]);
      os.close(qds[i]);
    }
  }
  os.close(listener);
  os.check_clean();
}

}  // namespace net_limits_test
