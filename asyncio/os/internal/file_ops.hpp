// file_ops.hpp: what is done to files, each as a future: the seam between files.hpp and the system.
// Regular files are always "ready", so readiness is of no use for them: the loop's backend makes
// the calls where it offers that (io_uring), else a thread of the loop's default executor. Each
// job owns what it reads and writes, so that whoever waits may go at any time; it goes on.
#pragma once
#include <sys/stat.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "asyncio/io/backend.hpp"
#include "asyncio/os/internal/owned_fd.hpp"
#include "asyncio/sync/threads.hpp"

namespace asyncio::detail {

// An open file, shared by its handles and by the jobs that work on it. Closed with the last.
struct OpenFile {
  OwnedFd fd;
  std::string path;
  bool seekable = false;
  bool appends = false;
};
using OpenFilePtr = std::shared_ptr<OpenFile>;

// For who records: what a job was, once it is over.
void report_job(Loop& loop, IoOperation operation, int fd, FutureBase& job, std::int64_t start);

template <class F>
Future<std::invoke_result_t<F&>> in_thread(IoOperation operation, int fd, F function) {
  Loop& loop = get_running_loop();
  auto job = loop.run_in_executor(std::move(function));
  job.state()->set_purpose(FuturePurpose::file);
  IoObserver* const observer = loop.backend().observer();
  if (observer == nullptr)
    loop.backend().report(operation, fd, 0, 0, true);  // counted
  else
    job.add_done_callback([&loop, operation, fd, start = observer->now()](const auto& ended) {
      report_job(loop, operation, fd, *ended.state(), start);
    });
  return job;
}

// Throws with the path, also where it is a directory.
Future<OpenFilePtr> begin_open(std::string path, int flags, unsigned mode);
// One read(2) of at most `size` bytes; empty at the end.
Future<std::string> begin_read(OpenFilePtr file, std::size_t size);
// Up to `size` bytes, fewer at the end only.
Future<std::string> begin_read_fully(OpenFilePtr file, std::size_t size);
// All of `data`, after going back over `unread` bytes of a reader that is ahead.
Future<std::size_t> begin_write(OpenFilePtr file, std::string data, std::size_t unread);
Future<> begin_sync(OpenFilePtr file);
Future<> begin_truncate(OpenFilePtr file, std::int64_t size);
Future<> begin_close(OpenFilePtr file);

// By path. `flags` are those of fstatat(2) and unlinkat(2).
Future<struct statx> begin_status(std::string path, int flags);
Future<> begin_rename(std::string from, std::string to);
Future<> begin_remove(std::string path, int flags);
Future<> begin_make_folder(std::string path, unsigned mode);

// For errors of an open file: Python's sentence has no path, subject() does.
[[noreturn]] void throw_file_error(int error, const char* operation, const std::string& path);

}  // namespace asyncio::detail
