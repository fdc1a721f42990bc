# Warnings, sanitizers, hardening, ccache and lld: what every target is built with.
set(DEPUTY_SANITIZE "" CACHE STRING "Sanitizers for every target, as -fsanitize takes them")
option(DEPUTY_FUZZ "Build the libFuzzer targets" OFF)

find_program(DEPUTY_CCACHE ccache)
if(DEPUTY_CCACHE)
  set(CMAKE_C_COMPILER_LAUNCHER "${DEPUTY_CCACHE}")
  set(CMAKE_CXX_COMPILER_LAUNCHER "${DEPUTY_CCACHE}")
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  find_program(DEPUTY_LLD NAMES ld.lld-19 ld.lld)
  if(DEPUTY_LLD)
    add_link_options("--ld-path=${DEPUTY_LLD}")
  endif()
endif()

# Paths in debug information and __FILE__ are relative to the source, so that builds repeat and caches are shared.
add_compile_options("-ffile-prefix-map=${CMAKE_SOURCE_DIR}/=" -fno-omit-frame-pointer)
add_compile_options(-Wall -Wextra -Wpedantic -Werror -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Wconversion -Wno-sign-conversion -Wno-missing-designated-field-initializers)
string(REPLACE "-O2 -g -DNDEBUG" "-O2 -g1" CMAKE_CXX_FLAGS_RELWITHDEBINFO "${CMAKE_CXX_FLAGS_RELWITHDEBINFO}")
set(CMAKE_CXX_FLAGS_DEBUG "-O0 -g1")

if(DEPUTY_SANITIZE)
  add_compile_options("-fsanitize=${DEPUTY_SANITIZE}" -fno-sanitize-recover=all -O1)
  add_link_options("-fsanitize=${DEPUTY_SANITIZE}")
else()
  add_compile_options(-fstack-protector-strong)
  add_compile_definitions($<$<CONFIG:RelWithDebInfo>:_FORTIFY_SOURCE=2>)
  add_link_options(-Wl,-z,relro,-z,now)
endif()
if(DEPUTY_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)  # the counters by which libFuzzer finds its way
endif()
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_CXX_COMPILE_OPTIONS_PIE -fPIC)  # programs as libraries, so that they share precompiled headers

# The code of tests is compiled once for each run of it: optimising it takes longer than it would ever save.
set(DEPUTY_TEST_OPTIONS $<$<CONFIG:RelWithDebInfo>:-O0> $<$<CONFIG:RelWithDebInfo>:-U_FORTIFY_SOURCE>)
