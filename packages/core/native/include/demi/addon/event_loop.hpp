// The part of libuv's interface the addon uses to sleep in Node's event loop.
//
// libuv's headers do not come with node-api-headers, and its 1.x interface is stable (libuv's versioning promise), so the few
// calls are declared here; the symbols are in the node executable.
#pragma once

#include <cstddef>

extern "C" {
struct uv_loop_s;
struct uv_handle_s;
struct uv_poll_s;
using uv_poll_cb = void (*)(uv_poll_s*, int status, int events);
using uv_close_cb = void (*)(uv_handle_s*);
std::size_t uv_handle_size(int type);
int uv_poll_init(uv_loop_s*, uv_poll_s*, int fd);
int uv_poll_start(uv_poll_s*, int events, uv_poll_cb);
int uv_poll_stop(uv_poll_s*);
void uv_ref(uv_handle_s*);
void uv_unref(uv_handle_s*);
void uv_close(uv_handle_s*, uv_close_cb);
void* uv_handle_get_data(const uv_handle_s*);
void uv_handle_set_data(uv_handle_s*, void*);
}

#include <cerrno>
#include <cstdlib>
#include <memory>

namespace demi {

// Watches one descriptor for readability in Node's loop. While armed it keeps the process alive, unless keep_alive(false) was called.
//
// libuv's watch goes on when this one is disarmed, because beginning and ending it are three system calls of the loop's: whoever sleeps
// often mostly finds it there. It ends when the descriptor is readable while nobody asks.
class EventLoopWatch {
 public:
  EventLoopWatch() = default;
  EventLoopWatch(const EventLoopWatch&) = delete;
  EventLoopWatch& operator=(const EventLoopWatch&) = delete;
  ~EventLoopWatch() { close(); }

  // 0 or a negative errno. `wake(context)` runs in the loop each time `fd` is readable while armed.
  int arm(uv_loop_s* loop, int fd, void (*wake)(void*), void* context) {
    wake_ = wake;
    context_ = context;
    if (handle_ != nullptr && fd != fd_) close();
    if (handle_ == nullptr) {
      auto* handle = static_cast<uv_poll_s*>(std::calloc(1, uv_handle_size(kPoll)));
      if (handle == nullptr) return -ENOMEM;
      if (const int error = uv_poll_init(loop, handle, fd); error != 0) {
        std::free(handle);
        return error;
      }
      handle_ = handle;
      fd_ = fd;
      uv_handle_set_data(this->handle(), this);
    }
    armed_ = true;
    hold();
    if (watching_) return 0;
    const int error = uv_poll_start(handle_, kReadable, [](uv_poll_s* handle, int status, int) {
      auto* self = static_cast<EventLoopWatch*>(uv_handle_get_data(reinterpret_cast<uv_handle_s*>(handle)));
      if (status < 0) self->watching_ = false;  // libuv gave it up
      if (self->armed_) return self->wake_(self->context_);
      self->watching_ = false;
      uv_poll_stop(handle);
    });
    watching_ = error == 0;
    armed_ = watching_;
    return error;
  }

  void disarm() {
    armed_ = false;
    if (handle_ != nullptr) uv_unref(handle());
  }

  void keep_alive(bool keeps) {
    keeps_alive_ = keeps;
    if (armed_) hold();
  }

  // Ends the watch; do it before the descriptor is closed. The handle's memory is libuv's until its close callback ran:
  // `done(context)` is called then, or at once when nothing was ever armed.
  void close(void (*done)(void*) = nullptr, void* context = nullptr) {
    if (handle_ == nullptr) {
      if (done != nullptr) done(context);
      return;
    }
    auto* const handle = this->handle();
    handle_ = nullptr;
    armed_ = watching_ = false;
    uv_handle_set_data(handle, new Closing{done, context});
    uv_close(handle, [](uv_handle_s* h) {
      const std::unique_ptr<Closing> closing(static_cast<Closing*>(uv_handle_get_data(h)));
      std::free(h);
      if (closing->done != nullptr) closing->done(closing->context);
    });
  }

 private:
  struct Closing {
    void (*done)(void*);
    void* context;
  };
  static constexpr int kPoll = 8;      // UV_POLL
  static constexpr int kReadable = 1;  // UV_READABLE
  void hold() {
    if (keeps_alive_) {
      uv_ref(handle());
    } else {
      uv_unref(handle());
    }
  }
  uv_handle_s* handle() const { return reinterpret_cast<uv_handle_s*>(handle_); }

  uv_poll_s* handle_ = nullptr;
  int fd_ = -1;
  bool armed_ = false;
  bool keeps_alive_ = true;
  bool watching_ = false;  // libuv is
  void (*wake_)(void*) = nullptr;
  void* context_ = nullptr;
};

}  // namespace demi
