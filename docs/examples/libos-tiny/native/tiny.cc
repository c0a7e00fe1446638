// The smallest complete backend: TCP streams over poll(2). docs/writing-a-backend.md walks through it.
//
// A Socket keeps the operations it cannot finish at once in three lists; the engine asks poll(2) which sockets are ready and
// lets each of those finish what it can. All the rest (rings, tokens, memory, the Node-API glue) comes with core.
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

namespace {

using demi::Address;
using demi::Op;
using demi::OpList;
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
struct Everybody {
  std::vector<Socket*> sockets;
  std::vector<Leaving> leaving;

  ~Everybody() {
    for (const Leaving& one : leaving) ::close(one.fd);
  }
};

class Socket final : public demi::Queue {
 public:
  Socket(demi::Runtime& runtime, Everybody& all, int fd, bool connected)
      : Queue(runtime), all_(all), fd_(fd), connected_(connected) {
    all_.sockets.push_back(this);
  }
  ~Socket() override {
    std::erase(all_.sockets, this);
    if (fd_ >= 0) ::close(fd_);
  }

  // What to ask poll(2) for; 0: nothing is pending, so a readable socket must not wake anybody.
  pollfd interest() const {
    const bool in = !pops_.empty() || !accepts_.empty();
    const bool out = !pushes_.empty() || connecting_ != nullptr;
    return {fd_, static_cast<short>((in ? POLLIN : 0) | (out ? POLLOUT : 0)), 0};
  }

  void ready() {
    if (connecting_ != nullptr) finish_connect();
    send_pending();
    receive_pending();
    accept_pending();
  }

  // ---- data path: try at once, keep the rest for ready() ---------------------------------------------------------------

  void push(Op& op) override {
    if (!connected_ && connecting_ == nullptr) return runtime_.complete(op, -ENOTCONN);
    if (shut_) return runtime_.complete(op, -EPIPE);
    pushes_.push_back(op);
    if (pushes_.size() == 1 && connected_) send_pending();
  }
  void pop(Op& op) override {
    if (!connected_ && connecting_ == nullptr) return runtime_.complete(op, -ENOTCONN);
    pops_.push_back(op);
  }
  void accept(Op& op) override { accepts_.push_back(op); }

  void connect(Op& op, const Address& to) override {
    if (connected_ || connecting_ != nullptr) return runtime_.complete(op, connected_ ? -EISCONN : -EALREADY);
    sockaddr_storage name;
    const socklen_t length = to.to_sockaddr(name);
    connected_ = ::connect(fd_, reinterpret_cast<sockaddr*>(&name), length) == 0;
    if (connected_) return runtime_.complete(op, 0);
    if (errno != EINPROGRESS) return runtime_.complete(op, -errno);
    connecting_ = &op;
  }

  bool cancel(Op& op) override {
    if (&op == connecting_) {
      connecting_ = nullptr;
      return true;
    }
    // Half a message on the wire cannot be called back.
    if (!op.linked || op.cursor != 0) return false;
    (op.code == demi::layout::kOpPush ? pushes_ : op.code == demi::layout::kOpPop ? pops_ : accepts_).remove(op);
    send_end();
    return true;
  }

  int shutdown() override {
    if (!connected_ && connecting_ == nullptr) return -ENOTCONN;
    shut_ = true;
    send_end();
    return 0;
  }

  // The kernel has copied what was sent: nothing of this object outlives the call, so `self` may die here.
  void close(std::unique_ptr<Queue>) override {
    if (connecting_ != nullptr) runtime_.complete(*std::exchange(connecting_, nullptr), -ECANCELED);
    for (OpList* list : {&pushes_, &pops_, &accepts_}) runtime_.fail_all(*list, -ECANCELED);
    if (connected_) leave();
  }

  // ---- control path ------------------------------------------------------------------------------------------------------

  int bind(const Address& to) override {
    if (!reuse_chosen_) set_option(SocketOption::kReuseAddress, 1);
    sockaddr_storage name;
    const socklen_t length = to.to_sockaddr(name);
    return errno_of(::bind(fd_, reinterpret_cast<sockaddr*>(&name), length));
  }
  int listen(int backlog) override { return errno_of(::listen(fd_, backlog)); }
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
    connected_ = error == 0;
    runtime_.complete(*std::exchange(connecting_, nullptr), -error);
    if (connected_) return;
    runtime_.fail_all(pushes_, -ENOTCONN);
    runtime_.fail_all(pops_, -ENOTCONN);
  }

  // After shutdown(), behind all pushes.
  void send_end() {
    if (shut_ && connected_ && pushes_.empty()) ::shutdown(fd_, SHUT_WR);
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

  void send_pending() {
    while (Op* op = pushes_.front()) {
      iovec parts[demi::layout::kMaxSegments];
      msghdr message{};
      message.msg_iov = parts;
      message.msg_iovlen = runtime_.arena().gather(op->sga, op->cursor, parts, demi::layout::kMaxSegments);
      const ssize_t sent = ::sendmsg(fd_, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
      if (sent < 0) {
        if (errno == EAGAIN) return;
        if (broken_ == 0) broken_ = -errno;
        runtime_.complete(*pushes_.pop_front(), -errno);
      } else if ((op->cursor += static_cast<std::uint32_t>(sent)) == op->limit) {
        runtime_.complete(*pushes_.pop_front(), static_cast<std::int32_t>(op->cursor));
      }
    }
    send_end();
  }

  void receive_pending() {
    demi::Arena& arena = runtime_.arena();
    while (Op* op = pops_.front()) {
      const demi::Sga sga = arena.alloc(kReceiveBytes);
      if (sga == 0) return;  // the arena is empty: the pop waits until something is freed
      const std::uint32_t room = op->limit != 0 ? std::min(op->limit, kReceiveBytes) : kReceiveBytes;
      const ssize_t got = ::recv(fd_, arena.slot_start(sga), room, MSG_DONTWAIT);
      if (got > 0) {
        arena.set_range(sga, 0, static_cast<std::uint32_t>(got));
        runtime_.complete(*pops_.pop_front(), static_cast<std::int32_t>(got), sga);
        continue;
      }
      arena.free(sga);
      if (got < 0 && errno == EAGAIN) return;
      // The kernel says once that a connection was reset, be it to a send; afterwards it seems to have ended.
      if (got < 0 && broken_ == 0) broken_ = -errno;
      runtime_.complete(*pops_.pop_front(), broken_);
    }
  }

  void accept_pending() {
    while (!accepts_.empty()) {
      // The queue first: a connection taken from the backlog could not be put back.
      auto socket = std::make_unique<Socket>(runtime_, all_, -1, true);
      Socket& accepted = *socket;
      const demi::Qd qd = runtime_.adopt(std::move(socket));
      int error = std::min(qd, 0);
      if (qd > 0) {
        accepted.fd_ = ::accept4(fd_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (accepted.fd_ < 0) {
          error = -errno;
          runtime_.close(qd);
        }
      }
      if (error == -EAGAIN) return;
      runtime_.complete(*accepts_.pop_front(), error, error == 0 ? qd : 0);
    }
  }

  static constexpr std::uint32_t kReceiveBytes = 4096;
  Everybody& all_;
  int fd_;
  bool connected_;
  bool shut_ = false;
  int broken_ = 0;             // what the connection ended with
  bool reuse_chosen_ = false;  // before bind
  OpList pushes_, pops_, accepts_;
  Op* connecting_ = nullptr;
};

class TinyEngine final : public demi::Engine {
 public:
  explicit TinyEngine(demi::Runtime& runtime) : runtime_(runtime) {}
  const char* name() const override { return "poll"; }

  std::unique_ptr<demi::Queue> socket(const demi::SocketRequest& request, int& error) override {
    if (request.kind != demi::SocketKind::kStream || request.framing != demi::Framing::kStream) {
      error = -EPROTONOSUPPORT;
      return nullptr;
    }
    const int fd = ::socket(request.family == 6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
      error = -errno;
      return nullptr;
    }
    auto socket = std::make_unique<Socket>(runtime_, all_, fd, false);
    socket->set_option(SocketOption::kNoDelay, 1);  // accepted ones inherit it
    return socket;
  }

  void poll(std::uint32_t wait_us) override {
    asked_.clear();
    interest_.clear();
    std::erase_if(all_.leaving, [](const Leaving& one) { return one.over(); });
    for (Socket* socket : all_.sockets) {
      if (const pollfd want = socket->interest(); want.events != 0) {
        asked_.push_back(socket);
        interest_.push_back(want);
      }
    }
    const timespec wait{wait_us / 1'000'000, static_cast<long>(wait_us % 1'000'000) * 1000};
    if (::ppoll(interest_.data(), interest_.size(), &wait, nullptr) <= 0) return;
    // Nothing in asked_ can die meanwhile: ready() completes operations, and only JavaScript closes queues.
    for (std::size_t i = 0; i < asked_.size(); ++i) {
      if (interest_[i].revents != 0) asked_[i]->ready();
    }
  }

  // poll(2) has no descriptor that Node's loop could watch: look again after a millisecond.
  int prepare_sleep() override { return 1; }

 private:
  demi::Runtime& runtime_;
  Everybody all_;
  std::vector<Socket*> asked_;
  std::vector<pollfd> interest_;
};

std::unique_ptr<demi::Engine> make_tiny(demi::Runtime& runtime, const demi::Config&, std::string&, int&) {
  return std::make_unique<TinyEngine>(runtime);
}

}  // namespace

DEMI_ADDON(demi_tiny, make_tiny)
