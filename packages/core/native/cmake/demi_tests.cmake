# demi_add_tests(<name> <sources...>): one doctest program under AddressSanitizer and UndefinedBehaviorSanitizer, for demi_backend.
#
# Sources are compiled several at a time: what of the headers a test uses is compiled, with the sanitizers' checks
# in it, once for each unit. So the tests of a file stand in a namespace that has the file's name, and what a source keeps for itself must
# not have the name of what its neighbour does.
#
# The tests of every package play the application's side of the rings with core's native/tests/application.hpp.
include("${CMAKE_CURRENT_LIST_DIR}/demi_sources.cmake")

function(demi_add_tests name)
  find_package(doctest REQUIRED)
  find_package(Threads REQUIRED)
  add_executable(${name} "${DEMI_NATIVE_DIR}/tests/main.cc" ${DEMI_RUNTIME_SOURCES} ${ARGN})
  set_target_properties(${name} PROPERTIES CXX_STANDARD 20 CXX_STANDARD_REQUIRED ON CXX_EXTENSIONS OFF)
  target_include_directories(${name} PRIVATE "${DEMI_NATIVE_DIR}/include" "${DEMI_NATIVE_DIR}/tests")
  # DEMI_SANITIZE names other sanitizers, e.g. thread.
  set(sanitize address,undefined)
  if(DEMI_SANITIZE)
    set(sanitize ${DEMI_SANITIZE})
  endif()
  # -g1: lines and functions, for the sanitizers' reports. All of it, and doctest's assertions inline, take a third longer to compile.
  target_compile_definitions(${name} PRIVATE DOCTEST_CONFIG_SUPER_FAST_ASSERTS)
  target_compile_options(${name} PRIVATE -O1 -g1 -Wall -Wextra -fno-omit-frame-pointer
    -fsanitize=${sanitize} -fno-sanitize-recover=all)
  target_link_options(${name} PRIVATE -fsanitize=${sanitize})
  target_link_libraries(${name} PRIVATE doctest::doctest Threads::Threads)
  # As many units as keep two processors busy; main.cc is doctest itself.
  set_target_properties(${name} PROPERTIES UNITY_BUILD ON UNITY_BUILD_BATCH_SIZE 8)
  set_source_files_properties("${DEMI_NATIVE_DIR}/tests/main.cc" PROPERTIES SKIP_UNITY_BUILD_INCLUSION ON)
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}/bin")
endfunction()
