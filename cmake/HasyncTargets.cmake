# How every library, program and test of this project is made: one language level, one set of warnings.
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_C_STANDARD 11)
set(CMAKE_C_EXTENSIONS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_C_COMPILER_LAUNCHER ${CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()

if(HASYNC_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()

if(HASYNC_COVERAGE)
  add_compile_options(-fprofile-instr-generate -fcoverage-mapping)
  add_link_options(-fprofile-instr-generate)
endif()

if(HASYNC_SANITIZE)
  add_compile_options(-fsanitize=${HASYNC_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer)
  add_link_options(-fsanitize=${HASYNC_SANITIZE})
endif()

# Warnings are errors for our code; generated code (proto/) does not link this.
add_library(hasync_warnings INTERFACE)
target_compile_options(hasync_warnings INTERFACE
  -Wall -Wextra -Werror -Wshadow -Wswitch-enum -Wno-missing-field-initializers
  $<$<COMPILE_LANGUAGE:CXX>:-Wconversion -Wnon-virtual-dtor -Woverloaded-virtual>
  # With -O2 and above GCC 12 sees overlaps in std::string's operator+ that are none (GCC bug 105651), and unset members in a
  # std::variant that holds another alternative, and reads beyond an empty std::vector.
  $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict -Wno-maybe-uninitialized -Wno-stringop-overread>)
target_include_directories(hasync_warnings INTERFACE ${PROJECT_SOURCE_DIR})

# What `./dev test` builds in which preset: programs as they run, unit tests with sanitizers.
add_custom_target(programs)
add_custom_target(unit_tests)

# hasync_library(NAME SOURCES... [LINK ...]): a static library of ours
function(hasync_library name)
  cmake_parse_arguments(ARG "" "" "LINK" ${ARGN})
  add_library(${name} STATIC ${ARG_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PUBLIC ${ARG_LINK} PRIVATE hasync_warnings)
  target_include_directories(${name} PUBLIC ${PROJECT_SOURCE_DIR})
endfunction()

# hasync_program(NAME SOURCES... [LINK ...])
function(hasync_program name)
  cmake_parse_arguments(ARG "" "" "LINK" ${ARGN})
  add_executable(${name} ${ARG_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PRIVATE ${ARG_LINK} hasync_warnings)
  add_dependencies(programs ${name})
endfunction()

# hasync_test(NAME SOURCES... [LINK ...]): GoogleTest program, registered as one CTest
function(hasync_test name)
  cmake_parse_arguments(ARG "" "" "LINK;LABELS" ${ARGN})
  add_executable(${name} ${ARG_UNPARSED_ARGUMENTS})
  target_link_libraries(${name} PRIVATE ${ARG_LINK} hasync_warnings GTest::gmock GTest::gtest_main)
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES TIMEOUT 300 LABELS "${ARG_LABELS}")
  if("integration" IN_LIST ARG_LABELS)
    add_dependencies(programs ${name})
  else()
    add_dependencies(unit_tests ${name})
  endif()
endfunction()
