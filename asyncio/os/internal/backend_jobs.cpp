#include "asyncio/os/internal/backend_jobs.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "asyncio/base/errors.hpp"

namespace asyncio::detail {
namespace {

const char* name_of(FileCall::Kind kind) noexcept {
  switch (kind) {
    case FileCall::Kind::sync:
      return "fsync";
    case FileCall::Kind::close:
      return "close";
    case FileCall::Kind::remove:
      return "unlink";
    case FileCall::Kind::make_folder:
      return "mkdir";
    default:
      return "";
  }
}

}  // namespace

IoOperation operation_of(FileCall::Kind kind) noexcept {
  switch (kind) {
    case FileCall::Kind::open:
      return IoOperation::open;
    case FileCall::Kind::read:
      return IoOperation::read;
    case FileCall::Kind::write:
      return IoOperation::write;
    case FileCall::Kind::sync:
      return IoOperation::sync;
    case FileCall::Kind::status:
      return IoOperation::status;
    case FileCall::Kind::rename:
      return IoOperation::rename;
    case FileCall::Kind::remove:
      return IoOperation::remove;
    case FileCall::Kind::make_folder:
      return IoOperation::make_folder;
    case FileCall::Kind::close:
      break;
  }
  return IoOperation::close;
}

// ---- open

OpenJob::OpenJob(std::string path_of_file, int open_flags, unsigned permissions)
    : BackendJob(Kind::open), path_(std::move(path_of_file)) {
  check_path(path_);
  path = path_.c_str();
  flags = open_flags | O_CLOEXEC;
  mode = permissions;
}

bool OpenJob::takes_more(std::int64_t result) {
  if (result == -EINTR) return true;
  if (result < 0) throw_os_error(static_cast<int>(-result), "open", path_);
  file_ = make_open_file(OwnedFd(static_cast<int>(result)), path_, flags);
  return false;
}

// ---- read and write

template <class Steps>
TransferJob<Steps>::TransferJob(FileCall::Kind kind_of_call, Steps steps)
    : BackendJob<TransferResult<Steps>>(kind_of_call), steps_(std::move(steps)) {
  this->fd = steps_.file().fd.get();
  const off_t position = ::lseek(this->fd, 0, SEEK_CUR);
  if (position < 0) throw_file_error(errno, "lseek", steps_.file().path);
  this->offset = position;
  aim();
}

template <class Steps>
void TransferJob<Steps>::aim() noexcept {
  this->data = steps_.place();
  this->size = steps_.room();
}

// The file's position goes along, as with read(2) and write(2).
template <class Steps>
bool TransferJob<Steps>::takes_more(std::int64_t result) {
  if (result > 0) {
    this->offset += result;
    const bool at_end = this->kind == FileCall::Kind::write && steps_.file().appends;
    ::lseek(this->fd, at_end ? 0 : this->offset, at_end ? SEEK_END : SEEK_SET);
  }
  steps_.take(result);
  aim();
  return steps_.wants_more();
}

template class TransferJob<ReadSteps>;
template class TransferJob<WriteSteps>;

// ---- fsync and close

EndJob::EndJob(Kind kind_of_call, OpenFilePtr file)
    : BackendJob(kind_of_call), file_(std::move(file)) {
  fd = kind == Kind::close ? file_->fd.release() : file_->fd.get();
}

bool EndJob::takes_more(std::int64_t result) {
  if (result == -EINTR && kind == Kind::close) return false;  // the fd is gone all the same
  if (result == -EINTR) return true;
  if (result < 0) throw_file_error(static_cast<int>(-result), name_of(kind), file_->path);
  return false;
}

// ---- by path

StatusJob::StatusJob(std::string path_to_ask, int at_flags)
    : BackendJob(Kind::status), path_(std::move(path_to_ask)) {
  path = path_.c_str();
  flags = at_flags;
  status = &status_;
}

bool StatusJob::takes_more(std::int64_t result) {
  if (result == -EINTR) return true;
  if (result < 0) throw_os_error(static_cast<int>(-result), "stat", path_);
  return false;
}

PathJob::PathJob(Kind kind_of_call, std::string from, std::string target)
    : BackendJob(kind_of_call), path_(std::move(from)), to_(std::move(target)) {
  path = path_.c_str();
  to = to_.c_str();
}

PathJob::PathJob(Kind kind_of_call, std::string path_to_change, int at_flags, unsigned permissions)
    : BackendJob(kind_of_call), path_(std::move(path_to_change)) {
  path = path_.c_str();
  flags = at_flags;
  mode = permissions;
}

bool PathJob::takes_more(std::int64_t result) {
  if (result == -EINTR) return true;
  if (result >= 0) return false;
  const int error = static_cast<int>(-result);
  if (kind == Kind::rename) throw_rename_error(error, path_, to_);
  throw_os_error(error, (flags & AT_REMOVEDIR) != 0 ? "rmdir" : name_of(kind), path_);
}

}  // namespace asyncio::detail
