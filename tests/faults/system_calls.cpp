#include "system_calls.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <spawn.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdarg>
#include <memory>
#include <mutex>
#include <string_view>

namespace asyncio::fault_test {
namespace {

using testing::Fault;
using testing::FaultPlan;
using testing::kShort;

std::mutex mutex;
std::unique_ptr<FaultPlan> plan;  // guarded by mutex; null: nothing goes wrong

// The errno of this call, -1 where it is left alone.
int strikes(std::string_view call) {
  const std::lock_guard held(mutex);
  return plan != nullptr && plan->strikes(call) ? plan->error() : -1;
}

// What a call gives that fails with `error`.
int fail(int error) {
  errno = error;
  return -1;
}

// The eventfd and such of a backend are not what reads and writes are about.
bool is_file_or_pipe(int fd) {
  struct stat status{};
  return ::fstatat(fd, "", &status, AT_EMPTY_PATH) == 0 &&
         (S_ISREG(status.st_mode) || S_ISFIFO(status.st_mode));
}

}  // namespace

const std::vector<testing::FaultOperation>& system_calls() {
  static const std::vector<testing::FaultOperation> calls{
      {"pipe2", {EMFILE, ENFILE}},
      {"fcntl", {EMFILE, EPERM}},
      {"read", {kShort, EINTR, EIO}},
      {"write", {kShort, EINTR, EPIPE, EIO, ENOSPC}},
      {"fstat", {EIO, ENOMEM}},
      {"stat", {EACCES, ENOMEM}},
      {"faccessat", {EACCES, EIO}},
      {"posix_spawn", {EAGAIN, ENOMEM, ENOENT, ETXTBSY}},
      {"pidfd_open", {ENOSYS, EMFILE, ENOMEM}},
      {"pidfd_send_signal", {EPERM}},
      {"waitid", {EINTR}},
      {"opendir", {EMFILE, EACCES}},
      {"readdir", {EIO}},
      {"inotify_init1", {EMFILE, ENOMEM}},
      {"inotify_add_watch", {ENOSPC, EACCES}},
      {"socket", {EMFILE, ENOBUFS, EAFNOSUPPORT}},
      {"connect", {ENETUNREACH, EHOSTUNREACH, EADDRNOTAVAIL}},
      {"sendmsg", {EPERM, ENOBUFS, ENETUNREACH}},
      {"recvfrom", {ECONNREFUSED, ENOMEM}},
  };
  return calls;
}

SystemFault::SystemFault(const testing::Fault& fault) {
  const std::lock_guard held(mutex);
  plan = std::make_unique<FaultPlan>(fault);
}

SystemFault::~SystemFault() {
  const std::lock_guard held(mutex);
  plan.reset();
}

bool SystemFault::injected() const {
  const std::lock_guard held(mutex);
  return plan->injected();
}

}  // namespace asyncio::fault_test

// ---- what the linker calls instead, and how to reach the real ones

// NOLINTBEGIN(bugprone-reserved-identifier,readability-identifier-naming)
using asyncio::fault_test::fail;
using asyncio::fault_test::is_file_or_pipe;
using asyncio::fault_test::strikes;

#define ASYNCIO_WRAPPED(result, name, parameters, arguments)  \
  extern "C" result __real_##name parameters;                 \
  extern "C" result __wrap_##name parameters {                \
    const int error = strikes(#name);                         \
    return error < 0 ? __real_##name arguments : fail(error); \
  }

ASYNCIO_WRAPPED(int, pipe2, (int* fds, int flags), (fds, flags))
ASYNCIO_WRAPPED(int, fstat, (int fd, struct stat* to), (fd, to))
ASYNCIO_WRAPPED(int, stat, (const char* path, struct stat* to), (path, to))
ASYNCIO_WRAPPED(int, faccessat, (int folder, const char* path, int mode, int flags),
                (folder, path, mode, flags))
ASYNCIO_WRAPPED(int, waitid, (idtype_t type, id_t id, siginfo_t* info, int options),
                (type, id, info, options))
ASYNCIO_WRAPPED(int, inotify_init1, (int flags), (flags))
ASYNCIO_WRAPPED(int, inotify_add_watch, (int fd, const char* path, uint32_t mask), (fd, path, mask))
ASYNCIO_WRAPPED(int, socket, (int family, int type, int protocol), (family, type, protocol))
ASYNCIO_WRAPPED(int, connect, (int fd, const sockaddr* to, socklen_t size), (fd, to, size))
ASYNCIO_WRAPPED(ssize_t, sendmsg, (int fd, const msghdr* message, int flags), (fd, message, flags))
ASYNCIO_WRAPPED(ssize_t, recvfrom,
                (int fd, void* to, size_t size, int flags, sockaddr* from, socklen_t* length),
                (fd, to, size, flags, from, length))
#undef ASYNCIO_WRAPPED

extern "C" {

// All that the library asks for takes one more word.
int __real_fcntl(int fd, int command, long word);
int __wrap_fcntl(int fd, int command, ...) {
  std::va_list more;
  va_start(more, command);
  const long word = va_arg(more, long);
  va_end(more);
  const int error = strikes("fcntl");
  return error < 0 ? __real_fcntl(fd, command, word) : fail(error);
}

ssize_t __real_read(int fd, void* to, size_t size);
ssize_t __wrap_read(int fd, void* to, size_t size) {
  const int error = is_file_or_pipe(fd) ? strikes("read") : -1;
  if (error > 0) return fail(error);
  return __real_read(fd, to, error == 0 && size > 1 ? 1 : size);
}

ssize_t __real_write(int fd, const void* from, size_t size);
ssize_t __wrap_write(int fd, const void* from, size_t size) {
  const int error = is_file_or_pipe(fd) ? strikes("write") : -1;
  if (error > 0) return fail(error);
  return __real_write(fd, from, error == 0 && size > 1 ? 1 : size);
}

using Actions = posix_spawn_file_actions_t;
int __real_posix_spawn(pid_t* pid, const char* path, const Actions* actions,
                       const posix_spawnattr_t* attributes, char* const* argv, char* const* env);
int __wrap_posix_spawn(pid_t* pid, const char* path, const Actions* actions,
                       const posix_spawnattr_t* attributes, char* const* argv, char* const* env) {
  const int error = strikes("posix_spawn");
  return error < 0 ? __real_posix_spawn(pid, path, actions, attributes, argv, env) : error;
}

long __real_syscall(long number, long a, long b, long c, long d, long e, long f);
long __wrap_syscall(long number, long a, long b, long c, long d, long e, long f) {
  int error = -1;
  if (number == SYS_pidfd_open) error = strikes("pidfd_open");
  if (number == SYS_pidfd_send_signal) error = strikes("pidfd_send_signal");
  return error < 0 ? __real_syscall(number, a, b, c, d, e, f) : fail(error);
}

DIR* __real_opendir(const char* path);
DIR* __wrap_opendir(const char* path) {
  const int error = strikes("opendir");
  if (error < 0) return __real_opendir(path);
  errno = error;
  return nullptr;
}

dirent* __real_readdir(DIR* folder);
dirent* __wrap_readdir(DIR* folder) {
  const int error = strikes("readdir");
  if (error < 0) return __real_readdir(folder);
  errno = error;
  return nullptr;
}

}  // extern "C"
// NOLINTEND(bugprone-reserved-identifier,readability-identifier-naming)
