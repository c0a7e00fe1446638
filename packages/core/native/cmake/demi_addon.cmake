# demi_add_addon(<name> <sources...>): a Node-API addon, for demi_backend, on core's runtime and glue.
#
# Gives the include paths, the language level and the flags every backend shares, and copies the result to
# prebuilds/linux-<arch>/<name>.node, where node-gyp-build finds it. The C++ runtime is linked statically, so that the
# file runs on a machine without a compiler.
include("${CMAKE_CURRENT_LIST_DIR}/demi_prebuilt.cmake")
include("${CMAKE_CURRENT_LIST_DIR}/demi_sources.cmake")

function(demi_add_addon name)
  add_library(${name} SHARED ${DEMI_RUNTIME_SOURCES} ${DEMI_ADDON_SOURCES} ${ARGN} ${CMAKE_JS_SRC})
  set_target_properties(${name} PROPERTIES
    PREFIX "" SUFFIX ".node" CXX_STANDARD 20 CXX_STANDARD_REQUIRED ON CXX_EXTENSIONS OFF
    CXX_VISIBILITY_PRESET hidden VISIBILITY_INLINES_HIDDEN ON)
  target_include_directories(${name} PRIVATE "${DEMI_NATIVE_DIR}/include" ${CMAKE_JS_INC} ${DEMI_NODE_ADDON_API_DIR})
  target_compile_definitions(${name} PRIVATE NAPI_VERSION=9 NODE_ADDON_API_DISABLE_DEPRECATED NAPI_CPP_EXCEPTIONS
    DEMI_BUILD_HASH="${DEMI_BUILD_HASH}")
  target_compile_options(${name} PRIVATE -O3 -g1 -Wall -Wextra)
  # A message passes through several source files on its way.
  include(CheckIPOSupported)
  check_ipo_supported(RESULT interprocedural LANGUAGES CXX)
  if(interprocedural)
    set_target_properties(${name} PROPERTIES INTERPROCEDURAL_OPTIMIZATION ON)
  endif()
  # Compiled as one unit, but for sources that say otherwise: each unit would parse the runtime again, and what the
  # data path calls is inlined.
  set_target_properties(${name} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 0)
  target_link_libraries(${name} PRIVATE ${CMAKE_JS_LIB})
  target_link_options(${name} PRIVATE -static-libstdc++ -static-libgcc -Wl,--exclude-libs,ALL)
  demi_prebuilt(${name})
endfunction()
