// A TCP connection and a listening socket of lwIP.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <vector>

#include "lwip_recovery.hpp"
#include "lwip_stack.hpp"

namespace demi::dpdk {

class LwipConnection final : public Connection {
 public:
  // Takes over `pcb`, one that lwIP has just made or accepted.
  LwipConnection(LwipStack& stack, tcp_pcb* pcb, int family);
  ~LwipConnection() override;

  void set_events(ConnectionEvents& events) override;
  int bind(const Address& to) override;
  int connect(const Address& to) override;
  std::size_t write(std::span<const std::uint8_t> bytes) override;
  void flush() override;
  void consumed(std::size_t bytes) override;
  void end() override;
  void close() override;
  int local_address(Address& out) const override;
  int peer_address(Address& out) const override;
  int set_option(SocketOption option, int value) override;
  int get_option(SocketOption option, int& value) const override;

  // At the end of a poll: what came before there was somebody to tell.
  void tell_early();
  // nullptr: one that has not been told to anybody, or was closed.
  static LwipConnection* of(const tcp_pcb& pcb) {
    return pcb.sent == &on_sent ? static_cast<LwipConnection*>(pcb.callback_arg) : nullptr;
  }
  LwipRecovery& recovery() { return recovery_; }
  // For listen(): the pcb is the caller's.
  tcp_pcb* release();
  tcp_pcb* pcb() const { return pcb_; }
  bool bound() const { return bound_; }

 private:
  static err_t on_connected(void* self, tcp_pcb* pcb, err_t error);
  void leave();
  static bool has_ended(const tcp_pcb& pcb);
  static err_t on_received(void* self, tcp_pcb* pcb, pbuf* chain, err_t error);
  static err_t on_sent(void* self, tcp_pcb* pcb, std::uint16_t bytes);
  static err_t on_poll(void* self, tcp_pcb* pcb);
  static void on_error(void* self, err_t error);
  err_t tell_writable();
  void watch();
  void unwatch();
  void abort();
  tcp_pcb* let_go();
  void find_by_key();
  bool deliver(pbuf* chain);

  LwipStack& stack_;
  tcp_pcb* pcb_;  // nullptr: gone
  std::optional<LwipLookup::Key> key_;
  LwipRecovery recovery_;
  ConnectionEvents* events_ = nullptr;
  int family_;
  bool bound_ = false;
  bool reuse_chosen_ = false;  // set_option() came before bind()
  bool connecting_ = false;
  bool blocked_ = false;  // write() took less than it was given
  int linger_ = -1;       // seconds; 0: close() resets
  // The send buffer: what write() keeps to, and what lwIP was told at most. Bytes.
  std::uint32_t send_limit_ = TCP_SND_BUF;
  std::uint32_t send_granted_ = TCP_SND_BUF;
  // What came before set_events().
  pbuf* early_ = nullptr;
  bool early_end_ = false;
  int early_error_ = 0;
  // Inside a callback of lwIP: set when the pcb was aborted there, which lwIP has to be told.
  bool* aborted_ = nullptr;
};

class LwipListener final : public StackListener {
 public:
  LwipListener(LwipStack& stack, tcp_pcb* pcb, int family, ListenerEvents& events);
  ~LwipListener() override;

  // At the end of a poll.
  void tell_incoming();

 private:
  static err_t on_accept(void* self, tcp_pcb* pcb, err_t error);

  LwipStack& stack_;
  tcp_pcb* pcb_;
  int family_;
  ListenerEvents& events_;
  std::deque<std::unique_ptr<LwipConnection>> incoming_;
};

}  // namespace demi::dpdk
