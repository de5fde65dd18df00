# Helpers for tests: how an executable of GoogleTest cases is made, and how every test is run.
include_guard()
find_package(GTest REQUIRED)

# Each GoogleTest program leaves a list of its cases in results/; tools/test counts them.
set(ASYNCIO_RESULTS_DIR ${PROJECT_BINARY_DIR}/results)

set(ASYNCIO_TSAN_SUPPRESSIONS ${CMAKE_CURRENT_LIST_DIR}/tsan_suppressions.txt)
set(ASYNCIO_TEST_ENVIRONMENT
  "ASAN_OPTIONS=detect_leaks=1:check_initialization_order=1:strict_init_order=1"
  "UBSAN_OPTIONS=print_stacktrace=1"
  "TSAN_OPTIONS=halt_on_error=1:second_deadlock_stack=1:suppressions=${ASYNCIO_TSAN_SUPPRESSIONS}")
find_program(ASYNCIO_SYMBOLIZER NAMES llvm-symbolizer-19 llvm-symbolizer)
if(ASYNCIO_SANITIZE AND ASYNCIO_SYMBOLIZER)
  foreach(tool IN ITEMS ASAN TSAN UBSAN)
    list(APPEND ASYNCIO_TEST_ENVIRONMENT "${tool}_SYMBOLIZER_PATH=${ASYNCIO_SYMBOLIZER}")
  endforeach()
endif()

# asyncio_add_test(<name> COMMAND <command>... [LABELS <label>...] [ENVIRONMENT <VAR=value>...]
#                  [TIMEOUT <seconds>] [ON_EACH_BACKEND] [ON_SIMULATED]): one CTest entry that runs
# as all of ours do; ON_EACH_BACKEND adds a second one, <name>.io_uring, where every loop is on
# io_uring, and ON_SIMULATED a third, <name>.simulated, for programs that asyncio_add_gtest made so.
function(asyncio_add_test name)
  cmake_parse_arguments(test "ON_EACH_BACKEND;ON_SIMULATED" "TIMEOUT" "COMMAND;LABELS;ENVIRONMENT"
                        ${ARGN})
  if(NOT test_TIMEOUT)
    set(test_TIMEOUT 300)
  endif()
  set(others "")
  if(test_ON_EACH_BACKEND)
    list(APPEND others io_uring)
  endif()
  if(test_ON_SIMULATED)
    list(APPEND others simulated)
  endif()
  foreach(other IN LISTS others)
    asyncio_add_test(${name}.${other} COMMAND ${test_COMMAND} LABELS ${test_LABELS}
      ENVIRONMENT ${test_ENVIRONMENT} ASYNCIO_BACKEND=${other} TIMEOUT ${test_TIMEOUT})
  endforeach()
  add_test(NAME ${name} COMMAND ${test_COMMAND})
  set(environment "GTEST_OUTPUT=json:${ASYNCIO_RESULTS_DIR}/${name}.json")
  list(APPEND environment ${ASYNCIO_TEST_ENVIRONMENT} ${test_ENVIRONMENT})
  set_tests_properties(${name} PROPERTIES
    TIMEOUT ${test_TIMEOUT} LABELS "${test_LABELS}" ENVIRONMENT "${environment}")
endfunction()

# A file crosses threads where its name says "thread" or one of its first lines is `// tsan`.
function(asyncio_crosses_threads file result)
  get_filename_component(name ${file} NAME)
  file(STRINGS ${file} marks REGEX "^// tsan$" LIMIT_COUNT 1)
  if(name MATCHES "thread" OR marks)
    set(${result} TRUE PARENT_SCOPE)
  else()
    set(${result} FALSE PARENT_SCOPE)
  endif()
endfunction()

# asyncio_add_gtest(<name> SOURCES <file>... [LINKS <target>...] [PCH_FROM <target>]
#                   [TIMEOUT <seconds>] [ON_EACH_BACKEND] [ON_SIMULATED]): an executable of
# GoogleTest cases and its CTest entry, labelled "threads" where one of its files crosses threads.
# The tsan build takes only those files, and no simulated network, which knows one thread.
function(asyncio_add_gtest name)
  cmake_parse_arguments(test "ON_EACH_BACKEND;ON_SIMULATED" "PCH_FROM;TIMEOUT"
                        "SOURCES;LINKS;ENVIRONMENT" ${ARGN})
  set(backends "")
  if(test_ON_EACH_BACKEND)
    list(APPEND backends ON_EACH_BACKEND)
  endif()
  if(test_ON_SIMULATED AND NOT ASYNCIO_SANITIZE STREQUAL "thread")
    list(APPEND backends ON_SIMULATED)
  endif()
  set(crossing "")
  foreach(source IN LISTS test_SOURCES)
    get_filename_component(source ${source} ABSOLUTE)
    asyncio_crosses_threads(${source} crosses)
    if(crosses)
      list(APPEND crossing ${source})
    endif()
  endforeach()
  set(labels "")
  if(crossing)
    set(labels threads)
  endif()
  if(ASYNCIO_SANITIZE STREQUAL "thread")
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${test_SOURCES})
    set(test_SOURCES ${crossing})
  endif()
  if(NOT test_SOURCES)
    return()
  endif()
  add_executable(${name} ${test_SOURCES})
  asyncio_strict(${name})
  target_include_directories(${name} PRIVATE ${ASYNCIO_GENERATED_DIR} ${PROJECT_SOURCE_DIR})
  target_link_libraries(${name} PRIVATE ${test_LINKS} GTest::gtest_main GTest::gtest)
  if("ON_SIMULATED" IN_LIST backends)
    target_sources(${name} PRIVATE ${PROJECT_SOURCE_DIR}/tests/simulated/backend.cpp)
    target_link_options(${name} PRIVATE -Wl,--wrap=_ZN7asyncio6detail18make_epoll_backendEv)
  endif()
  if(test_PCH_FROM AND TARGET ${test_PCH_FROM})
    target_precompile_headers(${name} REUSE_FROM ${test_PCH_FROM})
  endif()
  if(NOT test_TIMEOUT)
    set(test_TIMEOUT 300)
  endif()
  asyncio_add_test(${name} COMMAND ${name} LABELS ${labels} ENVIRONMENT ${test_ENVIRONMENT}
                   TIMEOUT ${test_TIMEOUT} ${backends})
endfunction()
