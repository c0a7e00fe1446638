# What every addon and every program of native tests is compiled with, and the hash by which two addons see that they were compiled from
# the same.
#
# DEMI_RUNTIME_SOURCES: the runtime. DEMI_ADDON_SOURCES: the glue to Node-API. DEMI_NET_SOURCES: what backends with sockets share; a backend
# adds these to its own, in the addon and in its native tests.
get_filename_component(DEMI_NATIVE_DIR "${CMAKE_CURRENT_LIST_DIR}/.." ABSOLUTE)
file(GLOB DEMI_RUNTIME_SOURCES CONFIGURE_DEPENDS "${DEMI_NATIVE_DIR}/runtime/*.cc")
file(GLOB DEMI_ADDON_SOURCES CONFIGURE_DEPENDS "${DEMI_NATIVE_DIR}/addon/*.cc")
file(GLOB DEMI_NET_SOURCES CONFIGURE_DEPENDS "${DEMI_NATIVE_DIR}/net/*.cc")

file(GLOB_RECURSE demi_hashed CONFIGURE_DEPENDS "${DEMI_NATIVE_DIR}/include/*.hpp" "${DEMI_NATIVE_DIR}/runtime/*.cc")
list(SORT demi_hashed)
set(demi_hashes "")
foreach(file IN LISTS demi_hashed)
  file(SHA256 "${file}" hash)
  string(APPEND demi_hashes "${hash}")
endforeach()
string(SHA256 demi_hashes "${demi_hashes}")
string(SUBSTRING "${demi_hashes}" 0 16 DEMI_BUILD_HASH)
# An edited header is another build: configured anew.
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${demi_hashed})
