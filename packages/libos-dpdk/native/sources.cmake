# What the addon and the native tests are both built from: DEMI_DPDK_SOURCES, _INCLUDES, _OPTIONS, _LIBRARIES.
file(GLOB DEMI_DPDK_SOURCES CONFIGURE_DEPENDS "${CMAKE_CURRENT_LIST_DIR}/*.cc")
list(FILTER DEMI_DPDK_SOURCES EXCLUDE REGEX "/addon\\.cc$")
list(APPEND DEMI_DPDK_SOURCES ${DEMI_NET_SOURCES})
# Units of their own: DPDK's headers have the C library's struct ip6_hdr, lwIP's have another.
set_source_files_properties("${CMAKE_CURRENT_LIST_DIR}/port.cc" "${CMAKE_CURRENT_LIST_DIR}/ethernet_device.cc"
  "${CMAKE_CURRENT_LIST_DIR}/fault.cc" PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)

# Shared libraries: a DPDK driver is a plugin that finds the libraries of the process it is loaded into.
find_package(PkgConfig REQUIRED)
pkg_check_modules(DPDK REQUIRED libdpdk)
pkg_check_modules(LWIP REQUIRED lwip)
set(DEMI_DPDK_INCLUDES ${DPDK_INCLUDE_DIRS} ${LWIP_INCLUDE_DIRS})
set(DEMI_DPDK_OPTIONS ${DPDK_CFLAGS_OTHER} ${LWIP_CFLAGS_OTHER})
set(DEMI_DPDK_LIBRARIES ${DPDK_LDFLAGS} ${LWIP_LDFLAGS})
