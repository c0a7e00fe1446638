# What the addon and the native tests are both built from: DEMI_POSIX_SOURCES, _DEFINITIONS, _LIBRARIES. Comes after core's
# demi.cmake or demi_tests.cmake, which set DEMI_NET_SOURCES.
set(here "${CMAKE_CURRENT_LIST_DIR}")
set(DEMI_POSIX_SOURCES
  ${here}/buffer_ring.cc
  ${here}/datagram_socket.cc
  ${here}/driver.cc
  ${here}/epoll_driver.cc
  ${here}/epoll_stream.cc
  ${here}/farewells.cc
  ${here}/file_queue.cc
  ${here}/file_worker.cc
  ${here}/listener.cc
  ${here}/posix_engine.cc
  ${here}/socket_options.cc
  ${here}/stream_socket.cc
  ${here}/uring_driver.cc
  ${here}/uring_probe.cc
  ${here}/uring_stream.cc
  ${DEMI_NET_SOURCES})

# Linked statically, so that the addon needs no library beside the C library. Debian and Ubuntu: liburing-dev.
find_library(LIBURING NAMES liburing.a REQUIRED)
find_path(LIBURING_INCLUDE liburing.h REQUIRED)
set(DEMI_POSIX_DEFINITIONS _GNU_SOURCE)
set(DEMI_POSIX_LIBRARIES ${LIBURING})
