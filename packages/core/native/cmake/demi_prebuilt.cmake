# demi_prebuilt(<name>): what an addon's target makes is copied to prebuilds/linux-<arch>/<name>.node of its package, from where it is loaded.
function(demi_prebuilt name)
  if(CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64")
    set(arch x64)
  elseif(CMAKE_SYSTEM_PROCESSOR STREQUAL "aarch64")
    set(arch arm64)
  else()
    set(arch ${CMAKE_SYSTEM_PROCESSOR})
  endif()
  set(prebuild "${CMAKE_CURRENT_SOURCE_DIR}/prebuilds/linux-${arch}")
  # Copied beside and renamed: a running process keeps the file it has mapped.
  add_custom_command(TARGET ${name} POST_BUILD
    COMMAND ${CMAKE_COMMAND} -E make_directory "${prebuild}"
    COMMAND ${CMAKE_COMMAND} -E copy "$<TARGET_FILE:${name}>" "${prebuild}/${name}.node.new"
    COMMAND ${CMAKE_COMMAND} -E rename "${prebuild}/${name}.node.new" "${prebuild}/${name}.node")
endfunction()
