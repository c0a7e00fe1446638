# DEMI_NET_SOURCES: what backends with sockets share, the sources behind native/include/demi/net. A backend adds them to its
# own, in the addon and in its native tests.
get_filename_component(DEMI_NET_DIR "${CMAKE_CURRENT_LIST_DIR}/../net" ABSOLUTE)
set(DEMI_NET_SOURCES
  ${DEMI_NET_DIR}/accept_queue.cc
  ${DEMI_NET_DIR}/datagram_queue.cc
  ${DEMI_NET_DIR}/dmtr_codec.cc
  ${DEMI_NET_DIR}/stream_queue.cc)
