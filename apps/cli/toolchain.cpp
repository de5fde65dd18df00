#include "apps/cli/toolchain.hpp"

#include <fmt/format.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>
#include <stdexcept>

namespace cli {

namespace fs = std::filesystem;

fs::path installed_prefix() {
  const fs::path prefix = fs::read_symlink("/proc/self/exe").parent_path().parent_path();
  if (!fs::exists(prefix / "include/asyncio/asyncio.hpp"))
    throw std::runtime_error("asyncio is not installed beside this command: there is no " +
                             (prefix / "include/asyncio/asyncio.hpp").string() +
                             "\n  cure: `make install PREFIX=...`, and PREFIX/bin/asyncio");
  return prefix;
}

std::string find_compiler() {
  if (const char* chosen = std::getenv("CXX"); chosen != nullptr && *chosen != '\0') return chosen;
  const char* path = std::getenv("PATH");
  const std::string folders = path != nullptr ? path : "/usr/local/bin:/usr/bin:/bin";
  for (const char* name :
       {"clang++-19", "clang++-20", "clang++-21", "g++-13", "g++-14", "g++-15", "clang++"}) {
    std::istringstream each(folders);
    for (std::string folder; std::getline(each, folder, ':');)
      if (::access((folder + "/" + name).c_str(), X_OK) == 0) return folder + "/" + name;
  }
  throw std::runtime_error(
      "no compiler was found\n  cure: `apt-get install clang-19`, or set CXX to clang 19 or GCC "
      "13");
}

fs::path cache_folder() {
  const char* base = std::getenv("XDG_CACHE_HOME");
  const char* home = std::getenv("HOME");
  fs::path folder;
  if (base != nullptr && *base == '/')
    folder = base;
  else if (home != nullptr && *home == '/')
    folder = fs::path(home) / ".cache";
  else
    throw std::runtime_error("neither XDG_CACHE_HOME nor HOME is set\n  cure: set one of them");
  folder /= "asyncio";
  fs::create_directories(folder);
  return folder;
}

std::vector<std::string> components_of(std::string_view source) {
  std::vector<std::string> found;
  for (const std::string name : {"http", "html", "db", "redis", "testing"})
    for (const std::string& form : {"<asyncio/" + name + ".hpp>", "<asyncio/" + name + "/"})
      if (source.find(form) != source.npos) {
        found.push_back(name);
        break;
      }
  return found;
}

std::string digest(std::string_view text) {
  std::uint64_t hash = 14695981039346656037u;  // FNV-1a
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
  return fmt::format("{:016x}", hash);
}

std::string read_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  if (!file || !(text << file.rdbuf()))
    throw std::runtime_error("cannot read " + path.string() + ": " + std::strerror(errno));
  return text.str();
}

std::string stamp_of(const fs::path& path) {
  struct stat found{};
  if (::stat(path.c_str(), &found) != 0) return path.string() + " -";
  return fmt::format("{} {} {}.{:09}", path.string(), found.st_size, found.st_mtim.tv_sec,
                     found.st_mtim.tv_nsec);
}

namespace {

pid_t start(const std::vector<std::string>& command, posix_spawn_file_actions_t* actions) {
  std::vector<char*> arguments;
  for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  pid_t child = 0;
  const int error = posix_spawnp(&child, arguments[0], actions, nullptr, arguments.data(), environ);
  if (error != 0)
    throw std::runtime_error("cannot run " + command[0] + ": " + std::strerror(error));
  return child;
}

int wait_for(pid_t child) {
  int status = 0;
  while (::waitpid(child, &status, 0) < 0)
    if (errno != EINTR) throw std::runtime_error("waitpid: " + std::string(std::strerror(errno)));
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

int run_command(const std::vector<std::string>& command) {
  return wait_for(start(command, nullptr));
}

std::string output_of(const std::vector<std::string>& command) {
  std::array<int, 2> ends{};
  if (::pipe(ends.data()) != 0)
    throw std::runtime_error("pipe: " + std::string(std::strerror(errno)));
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
  posix_spawn_file_actions_addclose(&actions, ends[0]);
  const pid_t child = start(command, &actions);
  posix_spawn_file_actions_destroy(&actions);
  ::close(ends[1]);
  std::string text;
  std::array<char, 4096> part;
  for (ssize_t got; (got = ::read(ends[0], part.data(), part.size())) > 0;)
    text.append(part.data(), static_cast<std::size_t>(got));
  ::close(ends[0]);
  if (const int status = wait_for(child); status != 0)
    throw std::runtime_error(command[0] + " failed with status " + std::to_string(status));
  return text;
}

}  // namespace cli
