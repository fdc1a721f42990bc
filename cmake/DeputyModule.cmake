include(GoogleTest)

# A room of the house: the library deputy_<NAME> from SOURCES and, where GoogleTest is installed, the test program
# deputy_<NAME>_test from TESTS. Headers are included as "<room>/<file>.hpp". DEPENDS are rooms or libraries that its
# public headers use; PRIVATE_DEPENDS are used in its sources only.
function(deputy_module)
  cmake_parse_arguments(ARG "" "NAME" "SOURCES;DEPENDS;PRIVATE_DEPENDS;TESTS;TEST_DEPENDS" ${ARGN})
  set(library "deputy_${ARG_NAME}")
  add_library(${library} STATIC ${ARG_SOURCES})
  target_include_directories(${library} PUBLIC "${CMAKE_SOURCE_DIR}/src")
  target_link_libraries(${library} PUBLIC ${ARG_DEPENDS} PRIVATE ${ARG_PRIVATE_DEPENDS})
  deputy_use_prelude(${library} deputy_prelude)
  if(ARG_TESTS AND TARGET GTest::gtest)
    deputy_test(NAME ${library}_test SOURCES ${ARG_TESTS} DEPENDS ${library} ${ARG_PRIVATE_DEPENDS} ${ARG_TEST_DEPENDS})
  endif()
endfunction()

# Compiles a target as code of tests.
function(deputy_test_code target)
  target_compile_options(${target} PRIVATE ${DEPUTY_TEST_OPTIONS})
  deputy_use_prelude(${target} deputy_test_prelude)
endfunction()

# A GoogleTest program; every TEST in it becomes a ctest of its own, so they run in any order and in parallel.
function(deputy_test)
  cmake_parse_arguments(ARG "" "NAME;TIMEOUT" "SOURCES;DEPENDS;LABELS" ${ARGN})
  if(NOT TARGET GTest::gtest)
    return()
  endif()
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 120)
  endif()
  deputy_unity(sources ${ARG_NAME} ${ARG_SOURCES})
  add_executable(${ARG_NAME} ${sources})
  target_include_directories(${ARG_NAME} PRIVATE "${CMAKE_SOURCE_DIR}/tests")
  target_link_libraries(${ARG_NAME} PRIVATE ${ARG_DEPENDS} deputy_test_source_folder GTest::gmock GTest::gtest_main)
  deputy_test_code(${ARG_NAME})
  gtest_discover_tests(${ARG_NAME} DISCOVERY_MODE PRE_TEST PROPERTIES TIMEOUT ${ARG_TIMEOUT} LABELS "${ARG_LABELS}")
endfunction()
