// The smallest complete backend: TCP streams over poll(2). docs/writing-a-backend.md walks through it.
//
// The operations of a Socket are kept by core's StreamQueue and AcceptQueue; what is here asks the kernel. The engine asks poll(2) which
// sockets are ready and lets each of those do what it can. All the rest (rings, tokens, memory, the Node-API glue) comes with core.
#include <limits.h>
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <vector>

#include "demi/addon.hpp"
#include "demi/net/accept_queue.hpp"
#include "demi/net/stream_queue.hpp"

namespace {

namespace net = demi::net;

using demi::Address;
using demi::Op;
using demi::Queue;
using demi::Sga;
using demi::SocketOption;

using Clock = std::chrono::steady_clock;

class Socket;

// A connection that was closed. The kernel delivers what it has taken, unless the peer's own bytes are left unread, when it resets the
// connection: so they are read, and thrown away, until the peer's end.
struct Leaving {
  int fd;
  bool reset;  // at the deadline
  Clock::time_point deadline;

  // True when it is closed.
  bool over() const {
    char bytes[4096];
    ssize_t got = 1;
    for (int i = 0; i < 64 && got > 0; ++i) got = ::recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);
    const bool late = Clock::now() >= deadline;
    if ((got > 0 || (got < 0 && errno == EAGAIN)) && !late) return false;
    const linger none{1, 0};
    if (late && reset) ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof none);
    ::close(fd);
    return true;
  }
};

// Of one engine.
struct Everybody : net::StreamContext {
  using StreamContext::StreamContext;

  std::vector<Socket*> sockets;
  std::vector<Leaving> leaving;

  ~Everybody() {
    for (const Leaving& one : leaving) ::close(one.fd);
  }
};

class Socket final : public net::StreamQueue {
 public:
  Socket(Everybody& all, int fd) : StreamQueue(all, {}), all_(all), fd_(fd) { all_.sockets.push_back(this); }
  ~Socket() override {
    std::erase(all_.sockets, this);
    if (fd_ >= 0) ::close(fd_);
  }

  // What to ask poll(2) for; 0: nothing is pending, so a readable socket must not wake anybody.
  pollfd interest() const {
    const bool in = wants_bytes() || accepts_.wants_connections();
    const bool out = !pushes_.empty() || state_ == State::kConnecting;
    return {fd_, static_cast<short>((in ? POLLIN : 0) | (out ? POLLOUT : 0)), 0};
  }

  void ready() {
    if (state_ == State::kConnecting) finish_connect();
    if (state_ == State::kConnected) {
      start_send();
      receive();
    }
    accepts_.arrived();
  }

  // ---- connections -------------------------------------------------------------------------------------------------------

  void accept(Op& op) override {
    if (state_ != State::kListening) return runtime_.complete(op, -EINVAL);
    accepts_.accept(op);
  }

  void connect(Op& op, const Address& to) override {
    if (state_ == State::kConnecting) return runtime_.complete(op, -EALREADY);
    if (state_ != State::kIdle) return runtime_.complete(op, -EISCONN);
    sockaddr_storage name;
    const socklen_t length = to.to_sockaddr(name);
    const int error = errno_of(::connect(fd_, reinterpret_cast<sockaddr*>(&name), length));
    if (error != 0 && error != -EINPROGRESS) return runtime_.complete(op, error);
    connecting(op);  // poll(2) knows when it is over
  }

  bool cancel(Op& op) override {
    if (op.code == demi::layout::kOpAccept) return accepts_.cancel(op);
    if (&op != connect_op_) return StreamQueue::cancel(op);
    connect_op_ = nullptr;
    give_up_connect(-ECANCELED);
    return true;
  }

  // The kernel has copied what was sent: nothing of this object outlives the call, so `self` may die here.
  void close(std::unique_ptr<Queue>) override {
    if (connect_op_ != nullptr) runtime_.complete(*std::exchange(connect_op_, nullptr), -ECANCELED);
    runtime_.fail_all(pushes_, -ECANCELED);
    end_pops();
    accepts_.end_accepts();
    if (state_ == State::kConnected) leave();
  }

  // ---- control path ------------------------------------------------------------------------------------------------------

  int bind(const Address& to) override {
    if (!reuse_chosen_) set_option(SocketOption::kReuseAddress, 1);
    sockaddr_storage name;
    const socklen_t length = to.to_sockaddr(name);
    return errno_of(::bind(fd_, reinterpret_cast<sockaddr*>(&name), length));
  }
  int listen(int backlog) override {
    const int error = errno_of(::listen(fd_, net::AcceptQueue::clamp_backlog(backlog)));
    if (error == 0) state_ = State::kListening;
    return error;
  }
  int local_address(Address& out) override { return name_of(::getsockname, out); }
  int peer_address(Address& out) override { return name_of(::getpeername, out); }

  int set_option(SocketOption option, int value) override {
    const Option& o = kOptions[static_cast<int>(option)];
    if (value < o.least || value > o.most) return -EINVAL;
    if (option == SocketOption::kReuseAddress) reuse_chosen_ = true;
    const linger seconds{value >= 0, std::max(value, 0)};
    if (option == SocketOption::kLinger) return errno_of(::setsockopt(fd_, o.level, o.name, &seconds, sizeof seconds));
    return errno_of(::setsockopt(fd_, o.level, o.name, &value, sizeof value));
  }
  int get_option(SocketOption option, int& value) override {
    const Option& o = kOptions[static_cast<int>(option)];
    linger both{};  // an int is what it starts with
    socklen_t length = option == SocketOption::kLinger ? sizeof both : sizeof both.l_onoff;
    if (::getsockopt(fd_, o.level, o.name, &both, &length) != 0) return -errno;
    value = option != SocketOption::kLinger ? std::min(both.l_onoff, o.most) : both.l_onoff != 0 ? both.l_linger : -1;
    return 0;
  }

 private:
  class Accepts final : public net::AcceptQueue {
   public:
    explicit Accepts(Socket& listener) : AcceptQueue(listener.runtime_, listener.all_.retries), listener_(listener) {}

   private:
    std::unique_ptr<Queue> socket() override { return std::make_unique<Socket>(listener_.all_, -1); }
    int take(Queue& socket) override {
      auto& accepted = static_cast<Socket&>(socket);
      accepted.fd_ = ::accept4(listener_.fd_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (accepted.fd_ < 0) return -errno;
      accepted.connected();
      return 0;
    }

    Socket& listener_;
  };

  struct Option {
    int level, name, least, most;
  };
  static constexpr Option kOptions[] = {{},  // in the order of SocketOption, which starts at 1
                                        {IPPROTO_TCP, TCP_NODELAY, 0, 1},
                                        {SOL_SOCKET, SO_KEEPALIVE, 0, 1},
                                        {SOL_SOCKET, SO_LINGER, -1, 65535},
                                        {SOL_SOCKET, SO_REUSEADDR, 0, 1},
                                        {SOL_SOCKET, SO_REUSEPORT, 0, 1},
                                        {SOL_SOCKET, SO_SNDBUF, 1, INT_MAX},
                                        {SOL_SOCKET, SO_RCVBUF, 1, INT_MAX}};

  static int errno_of(int result) { return result == 0 ? 0 : -errno; }

  template <class F>
  int name_of(F&& ask, Address& out) {
    sockaddr_storage name;
    socklen_t length = sizeof name;
    if (ask(fd_, reinterpret_cast<sockaddr*>(&name), &length) != 0) return -errno;
    out = Address::from_sockaddr(name);
    return 0;
  }

  void finish_connect() {
    int error = 0;
    socklen_t length = sizeof error;
    ::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &length);
    if (error != 0) return give_up_connect(-error);
    connected();
  }

  // Back to a socket that may try again.
  void give_up_connect(int error) {
    const sockaddr nobody{AF_UNSPEC, {}};
    ::connect(fd_, &nobody, sizeof nobody);
    connect_failed(error);
  }

  void leave() {
    int seconds = -1;
    get_option(SocketOption::kLinger, seconds);
    if (seconds == 0) return;               // a reset, by close(2)
    set_option(SocketOption::kLinger, -1);  // which is not to wait
    int unsent = 0;
    int unread = 0;
    // Nothing is under way either way: whoever still sends is told at once that nobody listens.
    if (::ioctl(fd_, SIOCOUTQ, &unsent) == 0 && ::ioctl(fd_, SIOCINQ, &unread) == 0 && unsent + unread == 0) return;
    ::shutdown(fd_, SHUT_WR);
    const Leaving one{fd_, seconds > 0, Clock::now() + std::chrono::seconds(seconds > 0 ? seconds : 10)};
    fd_ = -1;
    if (!one.over()) all_.leaving.push_back(one);
  }

  // ---- what StreamQueue asks for -----------------------------------------------------------------------------------------

  void start_send() override {
    while (!pushes_.empty()) {
      net::Outgoing out;
      gather(out, false);
      msghdr message{};
      message.msg_iov = out.iov;
      message.msg_iovlen = static_cast<std::size_t>(out.iovecs);
      const ssize_t n = ::sendmsg(fd_, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
      if (n < 0 && errno == EAGAIN) return;
      n < 0 ? send_failed(-errno) : sent(static_cast<std::size_t>(n));
    }
  }
  void end_sending() override { ::shutdown(fd_, SHUT_WR); }
  void shut_down() override { ::shutdown(fd_, SHUT_RDWR); }
  void start_receive() override {}  // interest() says so to poll(2)

  void receive() {
    demi::Arena& arena = runtime_.arena();
    while (wants_bytes()) {
      const Sga sga = arena.alloc(kReceiveBytes);
      if (sga == 0) return;  // the arena is empty: the pop waits until something is freed
      const std::uint32_t limit = pops_.front()->limit;
      const std::uint32_t room = limit != 0 ? std::min(limit, kReceiveBytes) : kReceiveBytes;
      const ssize_t n = ::recv(fd_, arena.slot_start(sga), room, MSG_DONTWAIT);
      if (n > 0) {
        arena.set_range(sga, 0, static_cast<std::uint32_t>(n));
        received(sga);
        continue;
      }
      arena.free(sga);
      if (n < 0 && errno == EAGAIN) return;
      n < 0 ? failed(-errno) : ended();
    }
  }

  static constexpr std::uint32_t kReceiveBytes = 4096;
  Everybody& all_;
  int fd_;
  bool reuse_chosen_ = false;  // before bind
  Accepts accepts_{*this};
};

class TinyEngine final : public demi::Engine {
 public:
  explicit TinyEngine(demi::Runtime& runtime) : all_(runtime) {}
  const char* name() const override { return "poll"; }
  std::uint8_t provides() const override { return demi::kStreams; }

  std::unique_ptr<Queue> socket(const demi::SocketRequest& request, int& error) override {
    if (request.kind != demi::SocketKind::kStream || request.framing != demi::Framing::kStream) {
      error = -EPROTONOSUPPORT;
      return nullptr;
    }
    const int fd = ::socket(request.family == 6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
      error = -errno;
      return nullptr;
    }
    auto socket = std::make_unique<Socket>(all_, fd);
    socket->set_option(SocketOption::kNoDelay, 1);  // accepted ones inherit it
    return socket;
  }

  void poll() override { wait(0); }

  // poll(2) is told how long to wait: nobody has to look again and again.
  bool wait(std::uint32_t us) override {
    all_.retries.run();
    us = all_.retries.bound_us(us);
    asked_.clear();
    interest_.clear();
    std::erase_if(all_.leaving, [](const Leaving& one) { return one.over(); });
    for (Socket* socket : all_.sockets) {
      if (const pollfd want = socket->interest(); want.events != 0) {
        asked_.push_back(socket);
        interest_.push_back(want);
      }
    }
    const timespec time{us / 1'000'000, static_cast<long>(us % 1'000'000) * 1000};
    if (::ppoll(interest_.data(), interest_.size(), &time, nullptr) <= 0) return true;
    // Nothing in asked_ can die meanwhile: ready() completes operations, and only JavaScript closes queues.
    for (std::size_t i = 0; i < asked_.size(); ++i) {
      if (interest_[i].revents != 0) asked_[i]->ready();
    }
    return true;
  }

  // poll(2) has no descriptor that Node's loop could watch: look again after a millisecond.
  int prepare_sleep() override { return 1; }

 private:
  Everybody all_;
  std::vector<Socket*> asked_;
  std::vector<pollfd> interest_;
};

}  // namespace

DEMI_ADDON(demi_tiny, demi::addon::no_device<TinyEngine>)
