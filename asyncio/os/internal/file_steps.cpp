#include "asyncio/os/internal/file_steps.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

#include "asyncio/base/errors.hpp"

namespace asyncio::detail {
namespace {

constexpr std::size_t kFirstRead = std::size_t{64} * 1024;
constexpr std::size_t kLargestRead = std::size_t{1} << 30;  // below what one read(2) can give

// How much is left to read, where the system knows; a byte more, to see the end.
std::size_t expected_rest(const OpenFile& file) noexcept {
  struct stat status{};
  if (!file.seekable || ::fstat(file.fd.get(), &status) != 0) return kFirstRead;
  const off_t position = ::lseek(file.fd.get(), 0, SEEK_CUR);
  if (position < 0 || status.st_size <= position) return kFirstRead;
  return static_cast<std::size_t>(status.st_size - position) + 1;
}

}  // namespace

// ---- reading

ReadSteps::ReadSteps(OpenFilePtr file, std::size_t size, bool fully)
    : file_(std::move(file)), size_(size), fully_(fully), wants_more_(size > 0) {
  data_.resize(fully_ ? std::min(size_, expected_rest(*file_)) : size_);
}

std::size_t ReadSteps::room() const noexcept { return std::min(data_.size() - got_, kLargestRead); }

void ReadSteps::take(std::int64_t result) {
  if (result == -EINTR) return;
  if (result < 0) throw_file_error(static_cast<int>(-result), "read", file_->path);
  got_ += static_cast<std::size_t>(result);
  wants_more_ = fully_ && result > 0 && got_ < size_;
  if (wants_more_) make_room();
}

void ReadSteps::make_room() {
  if (got_ == data_.size()) data_.resize(got_ + std::min(size_ - got_, std::max(got_, kFirstRead)));
}

std::string ReadSteps::finish() {
  data_.resize(got_);
  return std::move(data_);
}

// ---- writing

WriteSteps::WriteSteps(OpenFilePtr file, std::string data, std::size_t unread)
    : file_(std::move(file)), data_(std::move(data)) {
  if (unread != 0 && file_->seekable &&
      ::lseek(file_->fd.get(), -static_cast<off_t>(unread), SEEK_CUR) < 0)
    throw_file_error(errno, "lseek", file_->path);
}

void WriteSteps::take(std::int64_t result) {
  if (result == -EINTR) return;
  if (result < 0) throw_file_error(static_cast<int>(-result), "write", file_->path);
  written_ += static_cast<std::size_t>(result);
}

// ---- the rest

OpenFilePtr make_open_file(OwnedFd fd, std::string path, int flags) {
  auto file = std::make_shared<OpenFile>();
  file->fd = std::move(fd);
  file->path = std::move(path);
  struct stat status{};
  if (::fstat(file->fd.get(), &status) == 0 && S_ISDIR(status.st_mode))
    throw_os_error(EISDIR, "open", file->path);
  file->appends = (flags & O_APPEND) != 0;
  file->seekable = ::lseek(file->fd.get(), 0, file->appends ? SEEK_END : SEEK_CUR) >= 0;
  return file;
}

void check_path(const std::string& path) {
  if (path.find('\0') != std::string::npos) throw ValueError("embedded null byte");
}

void throw_file_error(int error, const char* operation, const std::string& path) {
  const std::error_code code(error, std::generic_category());
  std::rethrow_exception(
      make_os_error(error, ErrorText{"[Errno " + std::to_string(error) + "] " + code.message()},
                    operation, path));
}

void throw_rename_error(int error, const std::string& from, const std::string& to) {
  std::string words = "[Errno " + std::to_string(error) + "] " +
                      std::generic_category().message(error) + ": '" + from + "' -> '" + to + "'";
  std::rethrow_exception(make_os_error(error, ErrorText{std::move(words)}, "rename", from));
}

}  // namespace asyncio::detail
