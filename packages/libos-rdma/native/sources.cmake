# What the addon and the native tests are both built from: DEMI_RDMA_SOURCES, _INCLUDES, _OPTIONS, _LIBRARIES.
file(GLOB DEMI_RDMA_SOURCES CONFIGURE_DEPENDS "${CMAKE_CURRENT_LIST_DIR}/*.cc")
list(FILTER DEMI_RDMA_SOURCES EXCLUDE REGEX "/addon\\.cc$")
list(APPEND DEMI_RDMA_SOURCES ${DEMI_NET_SOURCES})

# A shared library: libfabric finds its providers, and they their drivers, at run time.
find_package(PkgConfig REQUIRED)
pkg_check_modules(LIBFABRIC REQUIRED libfabric>=1.17)
set(DEMI_RDMA_INCLUDES ${LIBFABRIC_INCLUDE_DIRS})
set(DEMI_RDMA_OPTIONS ${LIBFABRIC_CFLAGS_OTHER})
set(DEMI_RDMA_LIBRARIES ${LIBFABRIC_LDFLAGS})
