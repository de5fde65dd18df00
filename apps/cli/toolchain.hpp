// toolchain.hpp: what `asyncio run` and `asyncio new` know of this machine: where asyncio is
// installed, which compiler to use, where to keep what was compiled.
#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace cli {

// PREFIX of the installation that this command belongs to. Throws std::runtime_error where the
// command runs from a build tree.
std::filesystem::path installed_prefix();

// $CXX, or the first of clang++-19, clang++-20, clang++-21, g++-13, g++-14, g++-15 and clang++ that
// is there. Throws std::runtime_error.
std::string find_compiler();

// $XDG_CACHE_HOME/asyncio or ~/.cache/asyncio, made where it is missing.
std::filesystem::path cache_folder();

// The components of asyncio that a program includes: "http" for <asyncio/http.hpp>.
std::vector<std::string> components_of(std::string_view source);

// 16 hexadecimal digits that differ where the text does, for names of files; not for secrets.
std::string digest(std::string_view text);

std::string read_file(const std::filesystem::path& path);  // throws std::runtime_error
// "path size time" of a file, which changes when the file does; "path -" where there is none.
std::string stamp_of(const std::filesystem::path& path);

// Runs a command and waits for it; its exit status, 128 + N where signal N ended it.
int run_command(const std::vector<std::string>& command);
// The standard output of a command. Throws std::runtime_error where it fails.
std::string output_of(const std::vector<std::string>& command);

}  // namespace cli
