#include "asyncio/os/internal/file_ops.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "asyncio/base/errors.hpp"
#include "asyncio/os/internal/backend_jobs.hpp"
#include "asyncio/os/internal/file_steps.hpp"
#include "asyncio/os/internal/read_write.hpp"

namespace asyncio::detail {
namespace {

using Kind = FileCall::Kind;

bool backend_offers(Kind kind) { return get_running_loop().backend().offers(kind); }

// What cannot be positioned may end with a signal (SIGPIPE), or never: a thread's business.
bool backend_offers(Kind kind, const OpenFile& file) {
  return file.seekable && backend_offers(kind);
}

template <class Job, class... Args>
Future<typename Job::Result> begin(Args&&... args) {
  return Job::begin(std::make_unique<Job>(std::forward<Args>(args)...));
}

OpenFilePtr open_now(const std::string& path, int flags, unsigned mode) {
  check_path(path);
  int fd = -1;
  do {
    fd = ::open(path.c_str(), flags | O_CLOEXEC, static_cast<mode_t>(mode));
  } while (fd < 0 && errno == EINTR);
  if (fd < 0) throw_os_error(errno, "open", path);
  return make_open_file(OwnedFd(fd), path, flags);
}

std::string read_now(ReadSteps steps) {
  while (steps.wants_more())
    steps.take(read_fd(steps.file().fd.get(), steps.place(), steps.room()));
  return steps.finish();
}

std::size_t write_now(WriteSteps steps) {
  while (steps.wants_more())
    steps.take(write_fd(steps.file().fd.get(), steps.place(), steps.room()));
  return steps.finish();
}

void check(int result, const char* operation, const std::string& path) {
  if (result != 0) throw_os_error(errno, operation, path);
}

Future<std::string> begin_read(OpenFilePtr file, std::size_t size, bool fully) {
  if (backend_offers(Kind::read, *file))
    return begin<TransferJob<ReadSteps>>(Kind::read, ReadSteps(std::move(file), size, fully));
  const int fd = file->fd.get();
  return in_thread(IoOperation::read, fd, [file = std::move(file), size, fully] {
    return read_now(ReadSteps(file, size, fully));
  });
}

}  // namespace

// One that was cancelled goes on, but nobody hears when it ends.
void report_job(Loop& loop, IoOperation operation, int fd, FutureBase& job, std::int64_t start) {
  std::int64_t result = 0;
  if (job.stored_exception()) {
    try {
      std::rethrow_exception(job.stored_exception());
    } catch (const OSError& error) {
      result = -error.error_number();
    } catch (...) {
      result = -EIO;
    }
  }
  loop.backend().report(operation, fd, result, job.cancelled() ? 0 : start, true);
}

Future<OpenFilePtr> begin_open(std::string path, int flags, unsigned mode) {
  if (backend_offers(Kind::open)) return begin<OpenJob>(std::move(path), flags, mode);
  return in_thread(IoOperation::open, -1,
                   [path = std::move(path), flags, mode] { return open_now(path, flags, mode); });
}

Future<std::string> begin_read(OpenFilePtr file, std::size_t size) {
  return begin_read(std::move(file), size, false);
}

Future<std::string> begin_read_fully(OpenFilePtr file, std::size_t size) {
  return begin_read(std::move(file), size, true);
}

Future<std::size_t> begin_write(OpenFilePtr file, std::string data, std::size_t unread) {
  if (backend_offers(Kind::write, *file))
    return begin<TransferJob<WriteSteps>>(Kind::write,
                                          WriteSteps(std::move(file), std::move(data), unread));
  const int fd = file->fd.get();
  return in_thread(IoOperation::write, fd,
                   [file = std::move(file), data = std::move(data), unread]() mutable {
                     return write_now(WriteSteps(std::move(file), std::move(data), unread));
                   });
}

Future<> begin_sync(OpenFilePtr file) {
  if (backend_offers(Kind::sync)) return begin<EndJob>(Kind::sync, std::move(file));
  const int fd = file->fd.get();
  return in_thread(IoOperation::sync, fd, [file = std::move(file)] {
    if (::fsync(file->fd.get()) != 0) throw_file_error(errno, "fsync", file->path);
  });
}

Future<> begin_truncate(OpenFilePtr file, std::int64_t size) {
  const int fd = file->fd.get();
  return in_thread(IoOperation::truncate, fd, [file = std::move(file), size] {
    if (::ftruncate(file->fd.get(), size) != 0) throw_file_error(errno, "ftruncate", file->path);
  });
}

Future<> begin_close(OpenFilePtr file) {
  if (backend_offers(Kind::close)) return begin<EndJob>(Kind::close, std::move(file));
  const int fd = file->fd.get();
  return in_thread(IoOperation::close, fd, [file = std::move(file)] {
    // Not again after EINTR: the fd is gone all the same, see close(2).
    if (::close(file->fd.release()) != 0 && errno != EINTR)
      throw_file_error(errno, "close", file->path);
  });
}

// ---- by path

Future<struct statx> begin_status(std::string path, int flags) {
  if (backend_offers(Kind::status)) return begin<StatusJob>(std::move(path), flags);
  return in_thread(IoOperation::status, -1, [path = std::move(path), flags] {
    struct statx status{};
    check(::statx(AT_FDCWD, path.c_str(), flags, STATX_BASIC_STATS, &status), "stat", path);
    return status;
  });
}

Future<> begin_rename(std::string from, std::string to) {
  if (backend_offers(Kind::rename))
    return begin<PathJob>(Kind::rename, std::move(from), std::move(to));
  return in_thread(IoOperation::rename, -1, [from = std::move(from), to = std::move(to)] {
    if (::rename(from.c_str(), to.c_str()) != 0) throw_rename_error(errno, from, to);
  });
}

Future<> begin_remove(std::string path, int flags) {
  if (backend_offers(Kind::remove)) return begin<PathJob>(Kind::remove, std::move(path), flags, 0U);
  return in_thread(IoOperation::remove, -1, [path = std::move(path), flags] {
    check(::unlinkat(AT_FDCWD, path.c_str(), flags), flags == 0 ? "unlink" : "rmdir", path);
  });
}

Future<> begin_make_folder(std::string path, unsigned mode) {
  if (backend_offers(Kind::make_folder))
    return begin<PathJob>(Kind::make_folder, std::move(path), 0, mode);
  return in_thread(IoOperation::make_folder, -1, [path = std::move(path), mode] {
    check(::mkdir(path.c_str(), static_cast<mode_t>(mode)), "mkdir", path);
  });
}

}  // namespace asyncio::detail
