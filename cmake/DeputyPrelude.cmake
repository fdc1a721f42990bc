# Precompiled headers: prelude.hpp for what ships, test_prelude.hpp for tests. Each is compiled once, and reused by
# every target that has the same flags.
set(DEPUTY_PRELUDE_FOLDER "${CMAKE_CURRENT_LIST_DIR}")

# The target NAME, which compiles HEADER with what DEPENDS and OPTIONS add, for targets to REUSE_FROM.
function(deputy_prelude NAME HEADER)
  cmake_parse_arguments(ARG "" "" "DEPENDS;OPTIONS" ${ARGN})
  file(CONFIGURE OUTPUT "${CMAKE_BINARY_DIR}/${NAME}.cpp" CONTENT "")
  add_library(${NAME} OBJECT "${CMAKE_BINARY_DIR}/${NAME}.cpp")
  target_link_libraries(${NAME} PRIVATE ${ARG_DEPENDS})
  target_compile_options(${NAME} PRIVATE ${ARG_OPTIONS})
  target_precompile_headers(${NAME} PRIVATE "${DEPUTY_PRELUDE_FOLDER}/${HEADER}")

  # A precompiled header holds the paths of its folder: it never comes out of ccache. What was compiled with it may,
  # in every folder: ccache knows the header by its .sum, the hash of all the text in it.
  set_target_properties(${NAME} PROPERTIES CXX_COMPILER_LAUNCHER "")
  execute_process(
    COMMAND "${CMAKE_CXX_COMPILER}" -std=c++20 -E -P "${DEPUTY_PRELUDE_FOLDER}/${HEADER}"
    OUTPUT_VARIABLE text COMMAND_ERROR_IS_FATAL ANY)
  string(SHA256 sum "${CMAKE_CXX_COMPILER_VERSION} ${text}")
  file(CONFIGURE OUTPUT "${CMAKE_BINARY_DIR}/CMakeFiles/${NAME}.dir/cmake_pch.hxx.pch.sum" CONTENT "${sum}\n")
endfunction()

deputy_prelude(deputy_prelude prelude.hpp DEPENDS fmt::fmt)
if(TARGET GTest::gtest)
  deputy_prelude(deputy_test_prelude test_prelude.hpp DEPENDS fmt::fmt GTest::gmock OPTIONS ${DEPUTY_TEST_OPTIONS})
endif()
