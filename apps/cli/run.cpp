// `asyncio run file.cpp [args...]`: compiles a file against the installed library and becomes it.
// What was compiled is kept, so that an unchanged file starts at once; the library's headers are
// precompiled once.
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "apps/cli/commands.hpp"
#include "apps/cli/toolchain.hpp"

namespace cli {
namespace {

namespace fs = std::filesystem;

struct RunOptions {
  std::string file;
  std::vector<std::string> arguments;
  bool release = false;
  bool rebuild = false;
};

void write_file(const fs::path& path, const std::string& text) {
  std::ofstream file(path);
  if (!(file << text) || !file.flush()) throw std::runtime_error("cannot write " + path.string());
}

// What a compiler, an installation and the flags make; everything below depends on it.
class Build {
 public:
  explicit Build(const RunOptions& options)
      : prefix_(installed_prefix()), compiler_(find_compiler()) {
    flags_ = {"-std=c++20", "-I" + (prefix_ / "include").string(), "-pthread"};
    for (const char* flag : options.release ? std::vector<const char*>{"-O2", "-DNDEBUG"}
                                            : std::vector<const char*>{"-O0", "-g"})
      flags_.push_back(flag);
    std::string all = stamp_of(prefix_ / "lib/libasyncio.a") + "\n" + stamp_of(compiler_);
    for (const std::string& flag : flags_) all += "\n" + flag;
    identity_ = digest(all);
  }

  const std::string& identity() const noexcept { return identity_; }
  const fs::path& prefix() const noexcept { return prefix_; }

  // Compiles to `program`, and writes the files that it was made of to `dependencies`.
  int compile(const fs::path& source, const fs::path& program, const fs::path& dependencies,
              const std::vector<std::string>& components) const {
    std::vector<std::string> command = base();
    const std::string header = precompiled_header();
    if (!header.empty()) command.insert(command.end(), {"-include-pch", header});
    command.insert(command.end(),
                   {"-MD", "-MF", dependencies.string(), source.string(), "-o", program.string()});
    for (const std::string& flag : libraries(components)) command.push_back(flag);
    return run_command(command);
  }

 private:
  std::vector<std::string> base() const {
    std::vector<std::string> command{compiler_};
    command.insert(command.end(), flags_.begin(), flags_.end());
    return command;
  }

  // Empty where the compiler has no such thing under these flags.
  std::string precompiled_header() const {
    if (compiler_.find("clang") == compiler_.npos) return "";
    const fs::path folder = cache_folder() / ("header-" + identity_);
    const fs::path header = folder / "all.hpp.pch";
    if (fs::exists(header)) return header;
    fs::create_directories(folder);
    write_file(folder / "all.hpp", "#include <asyncio/asyncio.hpp>\n");
    const fs::path made = folder / fmt::format("all.{}.pch", ::getpid());
    std::vector<std::string> command = base();
    command.insert(command.end(),
                   {"-x", "c++-header", (folder / "all.hpp").string(), "-o", made.string()});
    if (run_command(command) != 0) throw std::runtime_error("asyncio's headers do not compile");
    fs::rename(made, header);
    return header;
  }

  std::vector<std::string> libraries(const std::vector<std::string>& components) const {
    std::vector<std::string> command{
        "env",        "PKG_CONFIG_PATH=" + (prefix_ / "lib/pkgconfig").string(),
        "pkg-config", "--cflags",
        "--libs",     "asyncio"};
    for (const std::string& component : components) command.push_back("asyncio-" + component);
    std::istringstream words(output_of(command));
    std::vector<std::string> flags;
    for (std::string word; words >> word;) flags.push_back(word);
    return flags;
  }

  fs::path prefix_;
  std::string compiler_;
  std::vector<std::string> flags_;
  std::string identity_;
};

// The stamps of the files that a program was made of, as the compiler lists them for make:
// "program: a.cpp \ b.hpp". Those of the system and of the installation have a part in the
// identity.
std::string stamps_of(const fs::path& dependencies, const fs::path& prefix) {
  std::istringstream words(read_file(dependencies));
  std::string stamps, word;
  words >> word;  // the target
  while (words >> word)
    if (word != "\\" && !word.starts_with("/usr/") && !word.starts_with(prefix.string() + "/") &&
        !word.ends_with(".pch"))
      stamps += stamp_of(fs::absolute(word)) + "\n";
  return stamps;
}

bool is_fresh(const fs::path& stamps) {
  std::ifstream file(stamps);
  if (!file) return false;
  for (std::string line; std::getline(file, line);) {
    const std::size_t end = line.rfind(' ', line.rfind(' ') - 1);
    if (end == line.npos || stamp_of(line.substr(0, end)) != line) return false;
  }
  return true;
}

int run_file(const RunOptions& options) {
  const fs::path source = fs::absolute(options.file).lexically_normal();
  const std::string text = read_file(source);
  const Build build(options);
  const std::string name = digest(build.identity() + "\n" + source.string() + "\n" + text);
  const fs::path folder = cache_folder() / "programs";
  const fs::path program = folder / name, stamps = folder / (name + ".stamps");
  if (options.rebuild || !fs::exists(program) || !is_fresh(stamps)) {
    fs::create_directories(folder);
    const fs::path made = folder / fmt::format("{}.{}", name, ::getpid());
    const fs::path dependencies = made.string() + ".d";
    const int status = build.compile(source, made, dependencies, components_of(text));
    if (status != 0) return 1;
    write_file(stamps, stamps_of(dependencies, build.prefix()));
    fs::remove(dependencies);
    fs::rename(made, program);
  }
  std::vector<char*> arguments{const_cast<char*>(options.file.c_str())};
  for (const std::string& word : options.arguments)
    arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  ::execv(program.c_str(), arguments.data());
  throw std::runtime_error("cannot run " + program.string() + ": " + std::strerror(errno));
}

}  // namespace

std::vector<std::string> take_program_arguments(int& argc, char** argv) {
  const std::string_view command = argc < 3 ? "" : argv[1];
  if (command != "run" && command != "trace") return {};
  const auto takes_value = [&](std::string_view option) {
    return command == "trace" && (option == "-o" || option == "--output" || option == "--flame" ||
                                  option == "-d" || option == "--duration");
  };
  int file = 2;
  while (file < argc && argv[file][0] == '-') file += takes_value(argv[file]) ? 2 : 1;
  if (file >= argc) return {};
  std::vector<std::string> arguments(argv + file + 1, argv + argc);
  argc = file + 1;
  return arguments;
}

void add_run(CLI::App& app, int& result, std::vector<std::string> arguments) {
  auto options = std::make_shared<RunOptions>();
  CLI::App* command = app.add_subcommand(
      "run", "Compile a C++ file against asyncio and run it; kept for next time");
  command->add_option("FILE", options->file, "The C++ source")
      ->required()
      ->check(CLI::ExistingFile);
  command->add_flag("-O,--release", options->release, "Optimise (-O2) instead of -O0 -g");
  command->add_flag("--rebuild", options->rebuild, "Compile even where nothing changed");
  command->footer("What stands behind FILE goes to the program.");
  command->callback([options, arguments = std::move(arguments), &result] {
    options->arguments = arguments;
    result = run_file(*options);
  });
}

}  // namespace cli
