// `asyncio new NAME`: a project that builds: a program, a test, CMakeLists.txt and a README.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

#include "apps/cli/commands.hpp"
#include "apps/cli/toolchain.hpp"

namespace cli {
namespace {

namespace fs = std::filesystem;

constexpr const char* kMain = R"(#include <cstdio>

#include "greetings.hpp"

int main() {
  asyncio::run([]() -> asyncio::Coro<> {
    auto [one, two] = co_await asyncio::gather(greet("world", 2s), greet("NAME", 1s));
    std::printf("%s\n%s\n", one.c_str(), two.c_str());
  }());
}
)";

constexpr const char* kGreetings = R"(#pragma once
#include <asyncio/asyncio.hpp>
#include <string>

using namespace std::chrono_literals;

// Greets after a while.
inline asyncio::Coro<std::string> greet(std::string who, asyncio::Duration delay) {
  co_await asyncio::sleep(delay);
  co_return "Hello, " + who + "!";
}
)";

constexpr const char* kTest = R"(#include <asyncio/testing.hpp>

#include "greetings.hpp"

// Time is virtual in tests: the clock jumps as soon as everybody waits.
ASYNCIO_TEST(Greet, takes_its_time_and_names_whom_it_greets) {
  const auto begin = asyncio::get_running_loop().time();

  EXPECT_EQ(co_await greet("test", 1h), "Hello, test!");

  EXPECT_EQ(asyncio::get_running_loop().time() - begin, 1h);
}
)";

constexpr const char* kCMake = R"(cmake_minimum_required(VERSION 3.25)
# GCC before 13 miscompiles coroutines: clang is taken where it is the default.
if(NOT DEFINED CMAKE_CXX_COMPILER AND NOT DEFINED ENV{CXX})
  find_program(clang NAMES clang++-19 clang++-20 clang++-21 NO_CACHE)
  if(clang)
    set(CMAKE_CXX_COMPILER ${clang})
  endif()
endif()
project(NAME CXX)

list(APPEND CMAKE_PREFIX_PATH "PREFIX")  # where asyncio is installed
find_package(asyncio REQUIRED COMPONENTS testing)
find_package(GTest REQUIRED)

add_executable(NAME main.cpp)
target_link_libraries(NAME PRIVATE asyncio::asyncio)

enable_testing()
add_executable(NAME_test greetings_test.cpp)
target_link_libraries(NAME_test PRIVATE asyncio::testing GTest::gtest_main)
add_test(NAME NAME_test COMMAND NAME_test)
)";

constexpr const char* kReadme = R"(# NAME

    cmake -S . -B build && cmake --build build && build/NAME
    ctest --test-dir build --output-on-failure
)";

std::string filled(std::string_view text, const std::string& name, const std::string& prefix) {
  std::string out;
  while (!text.empty()) {
    if (text.starts_with("NAME") && !text.starts_with("NAMES") && !text.starts_with("NAME NAME")) {
      out += name;
      text.remove_prefix(4);
    } else if (text.starts_with("NAME NAME")) {  // add_test's keyword, then the name
      out += "NAME ";
      text.remove_prefix(5);
    } else if (text.starts_with("\"PREFIX\"")) {
      out += "\"" + prefix + "\"";
      text.remove_prefix(8);
    } else {
      out += text.front();
      text.remove_prefix(1);
    }
  }
  return out;
}

void check_name(const std::string& name) {
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  bool good = !name.empty() && is_letter(name.front());
  for (const char c : name)
    good = good && (is_letter(c) || (c >= '0' && c <= '9') || c == '_' || c == '-');
  if (!good)
    throw std::runtime_error("'" + name +
                             "' cannot be the name of a project\n  instead: letters, digits, _ and "
                             "-, a letter first");
}

int make_project(const std::string& name) {
  check_name(name);
  if (fs::exists(name)) throw std::runtime_error(name + " exists already");
  const std::string prefix = installed_prefix().string();
  fs::create_directory(name);
  const std::pair<const char*, const char*> files[] = {{"CMakeLists.txt", kCMake},
                                                       {"README.md", kReadme},
                                                       {"greetings.hpp", kGreetings},
                                                       {"greetings_test.cpp", kTest},
                                                       {"main.cpp", kMain}};
  for (const auto& [file, text] : files) {
    std::ofstream out(fs::path(name) / file);
    if (!(out << filled(text, name, prefix)) || !out.flush())
      throw std::runtime_error("cannot write " + name + "/" + file);
  }
  std::printf("%s is made. Try:\n  cd %s\n  asyncio run main.cpp\n", name.c_str(), name.c_str());
  return 0;
}

}  // namespace

void add_new(CLI::App& app, int& result) {
  auto name = std::make_shared<std::string>();
  CLI::App* command =
      app.add_subcommand("new", "Make a project: a program, a test, CMakeLists.txt");
  command->add_option("NAME", *name, "Its name, and the folder that is made")->required();
  command->callback([name, &result] { result = make_project(*name); });
}

}  // namespace cli
