# Picks clang 19 where the default compiler is a GCC before 13, and says why. A compiler that the
# user names (CXX, -DCMAKE_CXX_COMPILER, a toolchain file) is never overruled; cmake/Options.cmake
# then refuses the ones that miscompile us.
include_guard()

if(CMAKE_CXX_COMPILER OR DEFINED ENV{CXX} OR CMAKE_TOOLCHAIN_FILE)
  return()
endif()

# The major version of the GCC that `c++` is; empty where it is another compiler, 0 where there is
# none.
function(asyncio_default_gcc result)
  find_program(default_cxx NAMES c++ g++ NO_CACHE)
  if(NOT default_cxx)
    set(${result} 0 PARENT_SCOPE)
    return()
  endif()
  execute_process(COMMAND ${default_cxx} -dM -E -x c++ /dev/null
                  OUTPUT_VARIABLE macros ERROR_QUIET)
  if(macros MATCHES "__clang__" OR NOT macros MATCHES "#define __GNUC__ ([0-9]+)")
    set(${result} "" PARENT_SCOPE)
  else()
    set(${result} ${CMAKE_MATCH_1} PARENT_SCOPE)
  endif()
endfunction()

asyncio_default_gcc(gcc_major)
if(gcc_major STREQUAL "" OR gcc_major GREATER_EQUAL 13)
  return()
endif()
if(gcc_major EQUAL 0)
  set(reason "there is no default C++ compiler")
else()
  set(reason "the default compiler is GCC ${gcc_major}, and GCC before 13 miscompiles coroutines")
endif()

find_program(clang_cxx NAMES clang++-19 clang++-20 clang++-21 NO_CACHE)
if(NOT clang_cxx)
  message(FATAL_ERROR "asyncio: ${reason}, and clang 19 is not installed.\n"
          "  cure: run tools/bootstrap, or `apt-get install clang-19 lld-19`,"
          " or name a newer compiler with -DCMAKE_CXX_COMPILER=...")
endif()
message(STATUS "asyncio: using ${clang_cxx}, because ${reason}")
set(CMAKE_CXX_COMPILER ${clang_cxx} CACHE FILEPATH "The C++ compiler")
string(REPLACE "clang++" "clang" clang_c ${clang_cxx})
if(NOT CMAKE_C_COMPILER AND NOT DEFINED ENV{CC} AND EXISTS ${clang_c})
  set(CMAKE_C_COMPILER ${clang_c} CACHE FILEPATH "The C compiler")
endif()
