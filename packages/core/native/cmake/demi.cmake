# demi_backend(<name> ...): a backend's addon, demi_<name>, on the runtime in native/include/demi; with DEMI_TESTS=ON its native tests,
# <name>_tests, in place of it. scripts/build-addon.mjs runs CMake for both, and says in DEMI_CMAKE where this file is.
#
#   ADDON <source>             the source with DEMI_ADDON(): in the addon alone
#   SOURCES <patterns>         what the addon and the tests are both made from
#   SEPARATE <sources>         those of all sources that are compiled separately: the others are compiled together
#   NET                        core's sources behind demi/net, which backends with sockets share
#   PKG_CONFIG <modules>       libraries as pkg-config knows them, "libfabric>=1.17"; they are linked dynamically
#   LIBRARIES, DEFINITIONS     what is linked beside them, and defined
#   EXTENSIONS                 the compiler's own C++, for headers that are not strict
#   LINK_OPTIONS <options>     of the addon
#   TESTS <patterns>           sources of the tests
#   TEST_LIBRARIES, TEST_OPTIONS   what only the tests are linked with and compiled with
#
# Paths are relative to the package.
include("${CMAKE_CURRENT_LIST_DIR}/demi_addon.cmake")
include("${CMAKE_CURRENT_LIST_DIR}/demi_tests.cmake")
option(DEMI_TESTS "make the native tests in place of the addon" OFF)
if(NOT CMAKE_BUILD_TYPE AND NOT DEMI_TESTS)
  set(CMAKE_BUILD_TYPE Release)
endif()

function(demi_backend name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "NET;EXTENSIONS" "ADDON"
    "SOURCES;SEPARATE;PKG_CONFIG;LIBRARIES;DEFINITIONS;LINK_OPTIONS;TESTS;TEST_LIBRARIES;TEST_OPTIONS")
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "demi_backend(${name}): unknown: ${arg_UNPARSED_ARGUMENTS}")
  endif()
  get_filename_component(addon "${arg_ADDON}" ABSOLUTE)
  set(sources)
  if(arg_SOURCES)
    file(GLOB sources CONFIGURE_DEPENDS ${arg_SOURCES})
    list(REMOVE_ITEM sources "${addon}")
  endif()
  if(arg_NET)
    list(APPEND sources ${DEMI_NET_SOURCES})
  endif()
  if(arg_SEPARATE)
    set_source_files_properties(${arg_SEPARATE} PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
  endif()

  if(DEMI_TESTS)
    set(target ${name}_tests)
    file(GLOB tests CONFIGURE_DEPENDS ${arg_TESTS})
    demi_add_tests(${target} ${tests} ${sources})
    get_filename_component(folder "${addon}" DIRECTORY)
    target_include_directories(${target} PRIVATE "${folder}")
    target_compile_options(${target} PRIVATE ${arg_TEST_OPTIONS})
    target_link_libraries(${target} PRIVATE ${arg_TEST_LIBRARIES})
  else()
    set(target demi_${name})
    demi_add_addon(${target} "${addon}" ${sources})
    target_link_options(${target} PRIVATE ${arg_LINK_OPTIONS})
  endif()

  if(arg_EXTENSIONS)
    set_target_properties(${target} PROPERTIES CXX_EXTENSIONS ON)
  endif()
  target_compile_definitions(${target} PRIVATE ${arg_DEFINITIONS})
  if(arg_PKG_CONFIG)
    find_package(PkgConfig REQUIRED)
    pkg_check_modules(DEMI_NEEDS REQUIRED ${arg_PKG_CONFIG})
    target_include_directories(${target} SYSTEM PRIVATE ${DEMI_NEEDS_INCLUDE_DIRS})
    target_compile_options(${target} PRIVATE ${DEMI_NEEDS_CFLAGS_OTHER})
  endif()
  target_link_libraries(${target} PRIVATE ${DEMI_NEEDS_LDFLAGS} ${arg_LIBRARIES})
endfunction()
