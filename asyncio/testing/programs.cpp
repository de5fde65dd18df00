#include "asyncio/testing/programs.hpp"

#include <sys/stat.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string_view>
#include <utility>

#include "asyncio/base/errors.hpp"

namespace asyncio::testing {
namespace {

// Behind each argument and behind each call; neither is text that anybody passes.
constexpr char kArgumentEnd = '\037', kCallEnd = '\036';

// For the shell, whatever is in it.
std::string shell_quoted(std::string_view text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

void write_file(const std::string& path, std::string_view text) {
  std::ofstream file(path, std::ios::binary);
  if (!(file << text) || !file.flush()) throw_os_error(EIO, "write", path);
}

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// The full names of cat and sleep: they may be replaced themselves.
std::string script_of(const std::string& base, const FakeProgram& program) {
  std::string script =
      "#!/bin/sh\n{ for each in \"$@\"; do printf '%s\\037' \"$each\"; done; printf '\\036'; } "
      ">> " +
      shell_quoted(base + ".calls") + "\n";
  if (program.reads_input && !program.echoes_input) script += "/bin/cat > /dev/null\n";
  script += "/bin/cat " + shell_quoted(base + ".out") + "\n";
  if (program.echoes_input) script += "/bin/cat\n";
  script += "/bin/cat " + shell_quoted(base + ".err") + " >&2\n";
  if (program.hangs) script += "exec /bin/sleep 1000000\n";
  if (program.returncode < 0) script += "kill -" + std::to_string(-program.returncode) + " $$\n";
  return script + "exit " + std::to_string(program.returncode < 0 ? 1 : program.returncode) + "\n";
}

}  // namespace

FakePrograms::FakePrograms() {
  std::string folder =
      (std::filesystem::temp_directory_path() / "asyncio-programs-XXXXXX").string();
  if (::mkdtemp(folder.data()) == nullptr) throw_os_error(errno, "mkdtemp", folder);
  folder_ = folder;
  const char* const path = std::getenv("PATH");
  path_before_ = path != nullptr ? path : "/usr/bin:/bin";
  ::setenv("PATH", (folder_ + ":" + path_before_).c_str(), 1);
}

FakePrograms::~FakePrograms() {
  ::setenv("PATH", path_before_.c_str(), 1);
  std::error_code ignored;
  std::filesystem::remove_all(folder_, ignored);
}

void FakePrograms::add(const std::string& name, const FakeProgram& program) {
  if (name.empty() || name.find('/') != std::string::npos)
    throw ValueError("FakePrograms: '" + name + "' is not the name of a program in PATH");
  const std::string base = folder_ + "/." + name;  // hidden: only the program itself is found
  write_file(base + ".out", program.out);
  write_file(base + ".err", program.err);
  const std::string file = folder_ + "/" + name;
  // Renamed into place: one that is being started must not be open for writing.
  write_file(base + ".new", script_of(base, program));
  if (::chmod((base + ".new").c_str(), 0755) != 0) throw_os_error(errno, "chmod", file);
  std::filesystem::rename(base + ".new", file);
}

std::vector<std::vector<std::string>> FakePrograms::calls(const std::string& name) const {
  std::vector<std::vector<std::string>> all;
  std::vector<std::string> call;
  std::string word;
  for (const char c : read_file(folder_ + "/." + name + ".calls")) {
    if (c == kArgumentEnd)
      call.push_back(std::exchange(word, {}));
    else if (c == kCallEnd)
      all.push_back(std::exchange(call, {}));
    else
      word += c;
  }
  return all;
}

}  // namespace asyncio::testing
