#include "asyncio/os/internal/spawn.hpp"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <set>
#include <string_view>

#include "asyncio/base/errors.hpp"
#include "asyncio/os/internal/owned_fd.hpp"
#include "asyncio/os/subprocess.hpp"

namespace asyncio::detail {
namespace {

// posix_spawn's functions return the error instead of setting errno.
void check(int error, const char* operation) {
  if (error != 0) throw_os_error(error, operation);
}

class FileActions {
 public:
  FileActions() { check(posix_spawn_file_actions_init(&actions_), "posix_spawn_file_actions"); }
  FileActions(const FileActions&) = delete;
  FileActions& operator=(const FileActions&) = delete;
  ~FileActions() { posix_spawn_file_actions_destroy(&actions_); }

  // One number twice takes CLOEXEC off.
  void duplicate(int from, int to) {
    check(posix_spawn_file_actions_adddup2(&actions_, from, to), "dup2");
  }
  void open_null(int fd) {
    check(posix_spawn_file_actions_addopen(&actions_, fd, "/dev/null", O_RDWR, 0), "open");
  }
  void change_directory(const std::string& path) {
    check(posix_spawn_file_actions_addchdir_np(&actions_, path.c_str()), "chdir");
  }
  void close(int fd) { check(posix_spawn_file_actions_addclose(&actions_, fd), "close"); }
  void close_from(int fd) {
    check(posix_spawn_file_actions_addclosefrom_np(&actions_, fd), "closefrom");
  }
  const posix_spawn_file_actions_t* get() const noexcept { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_;
};

class Attributes {
 public:
  explicit Attributes(const ProcessOptions& options) {
    check(posix_spawnattr_init(&attributes_), "posix_spawnattr_init");
    short flags = POSIX_SPAWN_SETSIGMASK;
    sigset_t signals;
    sigemptyset(&signals);
    posix_spawnattr_setsigmask(&attributes_, &signals);
    if (options.restore_signals) {
      for (const int each : {SIGPIPE, SIGXFSZ}) sigaddset(&signals, each);
      posix_spawnattr_setsigdefault(&attributes_, &signals);
      flags |= POSIX_SPAWN_SETSIGDEF;
    }
    if (options.start_new_session) flags |= POSIX_SPAWN_SETSID;
    if (options.process_group) {
      posix_spawnattr_setpgroup(&attributes_, *options.process_group);
      flags |= POSIX_SPAWN_SETPGROUP;
    }
    posix_spawnattr_setflags(&attributes_, flags);
  }
  Attributes(const Attributes&) = delete;
  Attributes& operator=(const Attributes&) = delete;
  ~Attributes() { posix_spawnattr_destroy(&attributes_); }
  const posix_spawnattr_t* get() const noexcept { return &attributes_; }

 private:
  posix_spawnattr_t attributes_;
};

// The strings, and the array of pointers that exec wants.
class CStrings {
 public:
  explicit CStrings(const std::vector<std::string>& strings) {
    for (const std::string& each : strings) {
      if (each.find('\0') != std::string::npos) throw ValueError("embedded null byte");
      pointers_.push_back(const_cast<char*>(each.c_str()));  // exec only reads them
    }
    pointers_.push_back(nullptr);
  }
  char* const* get() const noexcept { return pointers_.data(); }

 private:
  std::vector<char*> pointers_;
};

std::vector<std::string> environment(const ProcessOptions& options) {
  std::vector<std::string> entries;
  if (!options.env) {
    for (char** each = ::environ; each != nullptr && *each != nullptr; ++each)
      entries.emplace_back(*each);
    return entries;
  }
  for (const auto& [name, value] : *options.env) {
    if (name.find('=') != std::string::npos) throw ValueError("illegal environment variable name");
    entries.push_back(name + "=" + value);
  }
  return entries;
}

std::string search_path(const ProcessOptions& options) {
  constexpr const char* kDefault = "/bin:/usr/bin";  // os.defpath
  if (!options.env) {
    const char* path = std::getenv("PATH");
    return path == nullptr ? kDefault : path;
  }
  const auto found = options.env->find("PATH");
  return found == options.env->end() ? kDefault : found->second;
}

// 0, or why it cannot be run.
int executable(const std::string& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) return errno;
  if (!S_ISREG(status.st_mode)) return EACCES;
  return ::faccessat(AT_FDCWD, path.c_str(), X_OK, AT_EACCESS) == 0 ? 0 : errno;
}

// What options say of the fds. Those of ours that lie in the way of 0 to 2 are copied upwards.
void arrange_fds(FileActions& actions, const ProcessOptions& options, const int (&stdio)[3],
                 std::vector<OwnedFd>& copies) {
  int from[3] = {stdio[0], stdio[1], stdio[2]};
  for (int& each : from) {
    if (each < 0 || each > 2) continue;
    copies.push_back(duplicate_above_stdio(each));
    each = copies.back().get();
  }
  for (int target = 0; target < 3; ++target) {
    if (from[target] >= 0)
      actions.duplicate(from[target], target);
    else if (from[target] == kDevNull)
      actions.open_null(target);
    else if (from[target] == kSameAsOut)
      actions.duplicate(1, target);
  }
  int next = 3;
  const std::set<int> passed(options.pass_fds.begin(), options.pass_fds.end());
  for (const int fd : passed) {
    if (fd < 3) continue;
    for (; next < fd; ++next) actions.close(next);  // one that is not open does not matter
    actions.duplicate(fd, fd);
    next = fd + 1;
  }
  actions.close_from(next);
}

}  // namespace

std::string find_program(const std::string& program, const ProcessOptions& options) {
  if (program.find('/') != std::string::npos) return program;
  int error = ENOENT;
  const std::string path = search_path(options);
  for (std::string_view rest = path; !program.empty();) {
    const std::size_t colon = rest.find(':');
    std::string candidate(rest.substr(0, colon));
    candidate += candidate.empty() ? program : "/" + program;
    // exec comes after chdir.
    const bool below_cwd = candidate.front() != '/' && !options.cwd.empty();
    const int reason = executable(below_cwd ? options.cwd + "/" + candidate : candidate);
    if (reason == 0) return candidate;
    if (reason != ENOENT && reason != ENOTDIR) error = reason;
    if (colon == std::string_view::npos) break;
    rest.remove_prefix(colon + 1);
  }
  throw_os_error(error, "exec", program);
}

pid_t spawn(const std::vector<std::string>& argv, const ProcessOptions& options,
            const int (&stdio)[3]) {
  if (argv.empty()) throw ValueError("argv must not be empty");
  const CStrings arguments(argv);
  const std::string& program = options.executable.empty() ? argv.front() : options.executable;
  const std::string file = find_program(program, options);
  const std::vector<std::string> entries = environment(options);
  const CStrings variables(entries);
  std::vector<OwnedFd> copies;
  FileActions actions;
  arrange_fds(actions, options, stdio, copies);
  if (!options.cwd.empty()) actions.change_directory(options.cwd);
  const Attributes attributes(options);
  pid_t pid = -1;
  const int error = ::posix_spawn(&pid, file.c_str(), actions.get(), attributes.get(),
                                  arguments.get(), variables.get());
  if (error == 0) return pid;
  struct stat status{};
  const bool bad_directory = !options.cwd.empty() && (::stat(options.cwd.c_str(), &status) != 0 ||
                                                      !S_ISDIR(status.st_mode));
  throw_os_error(error, bad_directory ? "chdir" : "exec", bad_directory ? options.cwd : program);
}

}  // namespace asyncio::detail
