# Precompiled headers: prelude.hpp for what ships, test_prelude.hpp for tests. Each is compiled once, for every target
# that has the same flags. CMake's own would do if ccache knew their objects in another folder again: it names the
# headers to the compiler in a way that ccache cannot see through.
option(DEPUTY_PRELUDES "Precompile what most sources read" ON)
set(DEPUTY_PRELUDE_FOLDER "${CMAKE_CURRENT_LIST_DIR}")

# The object library NAME, whose one object is the precompiled HEADER.
function(deputy_prelude NAME HEADER)
  cmake_parse_arguments(ARG "" "" "DEPENDS;OPTIONS" ${ARGN})
  set(header "${DEPUTY_PRELUDE_FOLDER}/${HEADER}")
  set_source_files_properties("${header}" PROPERTIES LANGUAGE CXX)
  add_library(${NAME} OBJECT "${header}")
  target_link_libraries(${NAME} PRIVATE ${ARG_DEPENDS})
  target_compile_options(${NAME} PRIVATE ${ARG_OPTIONS} -x c++-header -fpch-instantiate-templates)
  set(compiled "${CMAKE_BINARY_DIR}/CMakeFiles/${NAME}.dir/cmake/${HEADER}.o")  # as the generator names it

  # It holds the paths of its folder, so it never comes out of ccache. What is compiled with it may, in every folder:
  # ccache knows a precompiled header by its .sum, here the hash of all the text in it.
  execute_process(
    COMMAND "${CMAKE_CXX_COMPILER}" -std=c++20 -x c++ -E -P "${header}"
    OUTPUT_VARIABLE text ERROR_QUIET COMMAND_ERROR_IS_FATAL ANY)
  string(SHA256 sum "${CMAKE_CXX_COMPILER_VERSION} ${text}")
  file(CONFIGURE OUTPUT "${compiled}.sum" CONTENT "${sum}\n")
  set_target_properties(${NAME} PROPERTIES CXX_COMPILER_LAUNCHER "" DEPUTY_COMPILED "${compiled}")
endfunction()

# Has TARGET read PRELUDE before each of its sources. To be called where TARGET is defined.
function(deputy_use_prelude TARGET PRELUDE)
  if(TARGET ${PRELUDE})
    get_target_property(compiled ${PRELUDE} DEPUTY_COMPILED)
    get_target_property(sources ${TARGET} SOURCES)
    target_compile_options(${TARGET} PRIVATE "SHELL:-include-pch ${compiled}")
    set_property(SOURCE ${sources} APPEND PROPERTY OBJECT_DEPENDS "${compiled}")
  endif()
endfunction()

if(DEPUTY_PRELUDES)
  deputy_prelude(deputy_prelude prelude.hpp DEPENDS fmt::fmt)
endif()
if(DEPUTY_PRELUDES AND TARGET GTest::gtest)
  deputy_prelude(deputy_test_prelude test_prelude.hpp DEPENDS fmt::fmt GTest::gmock OPTIONS ${DEPUTY_TEST_OPTIONS})
endif()
