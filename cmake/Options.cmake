# What may be switched, and the flags of our own builds. A project that embeds us with
# add_subdirectory gets none of the warnings, sanitizers or strictness below, only the libraries.
include_guard()

if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13
   AND NOT ASYNCIO_ALLOW_OLD_GCC)
  message(FATAL_ERROR "asyncio: GCC ${CMAKE_CXX_COMPILER_VERSION} miscompiles coroutines "
          "(temporaries in co_await expressions are destroyed twice).\n"
          "  cure: use clang 19 (-DCMAKE_CXX_COMPILER=clang++-19) or GCC 13 and later; "
          "-DASYNCIO_ALLOW_OLD_GCC=ON builds at your own risk")
endif()

option(ASYNCIO_BUILD_TESTS "Build the tests" ${PROJECT_IS_TOP_LEVEL})
option(ASYNCIO_BUILD_APPS "Build the programs in apps/" ${PROJECT_IS_TOP_LEVEL})
option(ASYNCIO_BUILD_BENCH "Build the benchmarks" OFF)
option(ASYNCIO_INSTALL "Install the libraries with the project" ${PROJECT_IS_TOP_LEVEL})
option(ASYNCIO_WERROR "Treat warnings as errors" ${PROJECT_IS_TOP_LEVEL})
set(ASYNCIO_EXAMPLES "all" CACHE STRING "Which examples to build: all, api or none")
set(ASYNCIO_SANITIZE "" CACHE STRING "Sanitizer of this build: empty, address, thread or fuzzer")
set_property(CACHE ASYNCIO_EXAMPLES PROPERTY STRINGS all api none)
set_property(CACHE ASYNCIO_SANITIZE PROPERTY STRINGS "" address thread fuzzer)

# Under a sanitizer each frame is its own allocation, so that a use after free is seen as one.
if(ASYNCIO_SANITIZE)
  set(ASYNCIO_POOL_PASSTHROUGH 1)
else()
  set(ASYNCIO_POOL_PASSTHROUGH 0)
endif()

if(NOT PROJECT_IS_TOP_LEVEL)
  return()
endif()

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release)
endif()

# -g is left to the presets that need it: line tables are enough for a sanitizer's stack traces.
set(CMAKE_CXX_FLAGS_RELEASE "-O2 -DNDEBUG")
set(CMAKE_CXX_FLAGS_DEBUG "-O0 -g")

# asyncio_strict(<target>): clang reports what a coroutine could outlive, and wants `coro_wrapper`
# on each function that passes a Coro on. For the library and its tests; the examples are compiled
# as a user's program is, without.
function(asyncio_strict target)
  target_compile_definitions(${target} PRIVATE ASYNCIO_STRICT_LIFETIMES)
endfunction()

add_compile_options(-Wall -Wextra -Wpedantic -Wshadow -Woverloaded-virtual)
if(CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  # The light half of -Wconversion: what loses bits or fractions, not every change of sign.
  add_compile_options(-Wshorten-64-to-32 -Wfloat-conversion -Wunused-lambda-capture)
  # libstdc++ uses its own deprecated names under a pragma that a precompiled header loses.
  add_compile_options(-Wno-deprecated-declarations)
  # Lets ccache reuse objects built with a precompiled header.
  add_compile_options("SHELL:-Xclang -fno-pch-timestamp")
endif()
if(ASYNCIO_WERROR)
  add_compile_options(-Werror)
endif()

if(ASYNCIO_SANITIZE STREQUAL "address")
  # Without vptr: that check makes a pipe to see whether memory can be read, and complains of sound
  # objects where a test has used up the descriptors.
  set(sanitizers -fsanitize=address,undefined -fno-sanitize=vptr -fno-sanitize-recover=all)
elseif(ASYNCIO_SANITIZE STREQUAL "thread")
  set(sanitizers -fsanitize=thread)
elseif(ASYNCIO_SANITIZE STREQUAL "fuzzer")
  # The fuzz targets add -fsanitize=fuzzer themselves when they link: libraries must not bring a
  # main().
  set(sanitizers -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all)
elseif(ASYNCIO_SANITIZE)
  message(FATAL_ERROR "asyncio: ASYNCIO_SANITIZE is '${ASYNCIO_SANITIZE}'\n"
          "  instead: leave it empty, or say address, thread or fuzzer")
endif()
if(ASYNCIO_SANITIZE)
  add_compile_options(${sanitizers} -fno-omit-frame-pointer -gline-tables-only)
  add_link_options(${sanitizers})
endif()

find_program(ASYNCIO_LLD NAMES ld.lld-19 ld.lld)
if(ASYNCIO_LLD AND CMAKE_CXX_COMPILER_ID MATCHES "Clang")
  add_link_options(--ld-path=${ASYNCIO_LLD})
endif()
find_program(ASYNCIO_CCACHE NAMES ccache)
if(ASYNCIO_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env
      CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
      ${ASYNCIO_CCACHE})
endif()
