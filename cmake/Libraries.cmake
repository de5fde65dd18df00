# The libraries, each made of whole folders of asyncio/. What a library links stands here and
# nowhere else: the CMake package and the pkg-config files are derived from it
# (cmake/Install.cmake).
include_guard()

set(ASYNCIO_GENERATED_DIR ${PROJECT_BINARY_DIR}/generated)
set(config_template ${PROJECT_SOURCE_DIR}/asyncio/base/config.hpp.in)
configure_file(${config_template} ${ASYNCIO_GENERATED_DIR}/asyncio/base/config.hpp)

# What nearly every source includes, parsed once a build.
set(ASYNCIO_PRECOMPILED
  <algorithm> <array> <chrono> <coroutine> <cstdint> <cstring> <exception> <functional> <memory>
  <optional> <span> <string> <string_view> <type_traits> <utility> <variant> <vector>
  <fmt/format.h>)

set(ASYNCIO_LIBRARIES "")  # the targets that exist, lowest first

# asyncio_library(<target> EXPORT <name> FOLDERS <folder>... LINKS <target>...
#                 [PACKAGES "<arguments of find_package>"...] [PC_LIBS <flag>...]
#                 [PC_REQUIRES <module>...])
#
# A static library of every source below the folders, tests, benchmarks and fuzz targets aside.
# PACKAGES are what find_package(asyncio) must find before it; PC_* are the same for pkg-config.
# Folders that have no source yet make no target.
function(asyncio_library target)
  cmake_parse_arguments(lib "" "EXPORT"
                        "FOLDERS;LINKS;PACKAGES;PC_LIBS;PC_REQUIRES" ${ARGN})
  set(sources "")
  foreach(folder IN LISTS lib_FOLDERS)
    file(GLOB_RECURSE found CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/asyncio/${folder}/*.cpp)
    list(APPEND sources ${found})
  endforeach()
  list(FILTER sources EXCLUDE REGEX "_(test|bench|fuzz)\\.cpp$")
  if(ASYNCIO_SANITIZE STREQUAL "thread" AND lib_EXPORT MATCHES "^(http|html)$")
    return()  # nothing in them crosses threads: the tsan build need not compile them
  endif()
  if(NOT sources)
    message(STATUS "asyncio: no sources for asyncio::${lib_EXPORT} yet")
    return()
  endif()
  foreach(needed IN LISTS lib_LINKS)
    if(needed MATCHES "^asyncio" AND NOT TARGET ${needed})
      message(STATUS "asyncio: asyncio::${lib_EXPORT} waits for ${needed}")
      return()
    endif()
  endforeach()

  add_library(${target} STATIC ${sources})
  add_library(asyncio::${lib_EXPORT} ALIAS ${target})
  target_compile_features(${target} PUBLIC cxx_std_20)
  target_include_directories(${target} PUBLIC
    $<BUILD_INTERFACE:${ASYNCIO_GENERATED_DIR}> $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}>
    $<INSTALL_INTERFACE:include>)
  target_link_libraries(${target} PUBLIC ${lib_LINKS})
  # A program that uses no TLS need not load OpenSSL: its start takes 1.6 ms instead of 3.
  target_link_options(${target} INTERFACE LINKER:--as-needed)
  if(PROJECT_IS_TOP_LEVEL)
    asyncio_strict(${target})
  endif()
  if(PROJECT_IS_TOP_LEVEL AND target STREQUAL "asyncio")
    target_precompile_headers(asyncio PRIVATE ${ASYNCIO_PRECOMPILED})
  elseif(PROJECT_IS_TOP_LEVEL)
    target_precompile_headers(${target} REUSE_FROM asyncio)
  endif()
  set_target_properties(${target} PROPERTIES
    EXPORT_NAME ${lib_EXPORT} POSITION_INDEPENDENT_CODE ON
    ASYNCIO_FOLDERS "${lib_FOLDERS}" ASYNCIO_PACKAGES "${lib_PACKAGES}"
    ASYNCIO_PC_LIBS "${lib_PC_LIBS}" ASYNCIO_PC_REQUIRES "${lib_PC_REQUIRES}")
  set(ASYNCIO_LIBRARIES ${ASYNCIO_LIBRARIES} ${target} PARENT_SCOPE)
endfunction()

# Finds a package only where a folder needs it, so that a missing one stops nobody who does not.
macro(asyncio_needs folder)
  file(GLOB_RECURSE asyncio_needed CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/asyncio/${folder}/*.cpp)
  if(asyncio_needed)
    find_package(${ARGN})
  endif()
endmacro()

find_package(Threads REQUIRED)
find_package(fmt 9 REQUIRED)
find_package(OpenSSL 3 REQUIRED)
asyncio_library(asyncio EXPORT asyncio
  FOLDERS base io core sync combinators net os debug
  LINKS fmt::fmt Threads::Threads cares uring OpenSSL::SSL OpenSSL::Crypto
  PACKAGES fmt Threads OpenSSL
  PC_LIBS -lfmt -lcares -luring -lssl -lcrypto -pthread)

asyncio_needs(http Boost 1.81 REQUIRED CONFIG COMPONENTS url)
asyncio_library(asyncio_http EXPORT http
  FOLDERS http websocket
  LINKS asyncio Boost::url
  PACKAGES "Boost 1.81 CONFIG COMPONENTS url"
  PC_LIBS -lboost_url
  PC_REQUIRES asyncio)

asyncio_needs(html LibXml2 REQUIRED)
asyncio_library(asyncio_html EXPORT html
  FOLDERS html
  LINKS asyncio LibXml2::LibXml2
  PACKAGES LibXml2
  PC_LIBS -lxml2
  PC_REQUIRES asyncio)

asyncio_needs(db SQLite3 REQUIRED)
asyncio_library(asyncio_db EXPORT db
  FOLDERS db
  LINKS asyncio SQLite::SQLite3
  PACKAGES SQLite3
  PC_LIBS -lsqlite3
  PC_REQUIRES asyncio)

asyncio_needs(testing GTest REQUIRED)
asyncio_library(asyncio_testing EXPORT testing
  FOLDERS testing
  LINKS asyncio GTest::gtest
  PACKAGES GTest
  PC_LIBS -lgtest
  PC_REQUIRES asyncio)
