// paths.cpp: asyncio::os: what is done to files and folders by their paths.
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <memory>

#include "asyncio/base/errors.hpp"
#include "asyncio/os/files.hpp"
#include "asyncio/os/internal/file_ops.hpp"

namespace asyncio {
namespace {

using detail::in_thread;

std::chrono::system_clock::time_point time_of(const statx_timestamp& time) {
  using std::chrono::system_clock;
  const auto since = std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
  return system_clock::time_point(std::chrono::duration_cast<system_clock::duration>(since));
}

FileStatus status_of(const struct statx& from) {
  FileStatus status;
  status.size = from.stx_size;
  status.mode = from.stx_mode;
  status.modified = time_of(from.stx_mtime);
  status.accessed = time_of(from.stx_atime);
  status.changed = time_of(from.stx_ctime);
  status.inode = from.stx_ino;
  status.device = makedev(from.stx_dev_major, from.stx_dev_minor);
  status.links = from.stx_nlink;
  status.uid = from.stx_uid;
  status.gid = from.stx_gid;
  return status;
}

void make_folders(const std::string& path, bool exist_ok) {
  for (std::size_t slash = path.find('/', 1); slash != std::string::npos;
       slash = path.find('/', slash + 1)) {
    const std::string part = path.substr(0, slash);
    if (::mkdir(part.c_str(), 0777) != 0 && errno != EEXIST) throw_os_error(errno, "mkdir", part);
  }
  if (path.ends_with('/') || ::mkdir(path.c_str(), 0777) == 0) return;
  const int error = errno;
  struct stat status{};
  if (error == EEXIST && exist_ok && ::stat(path.c_str(), &status) == 0 && S_ISDIR(status.st_mode))
    return;
  throw_os_error(error, "mkdir", path);
}

std::vector<std::string> names_in(const std::string& path) {
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(::opendir(path.c_str()), &::closedir);
  if (!folder) throw_os_error(errno, "opendir", path);
  std::vector<std::string> names;
  for (;;) {
    errno = 0;
    const dirent* const entry = ::readdir(folder.get());
    if (entry == nullptr) break;
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  if (errno != 0) throw_os_error(errno, "readdir", path);
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

bool FileStatus::is_file() const noexcept { return S_ISREG(mode); }
bool FileStatus::is_directory() const noexcept { return S_ISDIR(mode); }
bool FileStatus::is_symlink() const noexcept { return S_ISLNK(mode); }

namespace os {

Coro<FileStatus> stat(std::string path) {
  co_return status_of(co_await detail::begin_status(std::move(path), 0));
}

Coro<FileStatus> lstat(std::string path) {
  co_return status_of(co_await detail::begin_status(std::move(path), AT_SYMLINK_NOFOLLOW));
}

Coro<bool> exists(std::string path) {
  try {
    static_cast<void>(co_await detail::begin_status(std::move(path), 0));
  } catch (const OSError&) {
    co_return false;
  }
  co_return true;
}

Coro<> rename(std::string from, std::string to) {
  co_await detail::begin_rename(std::move(from), std::move(to));
}

Coro<> remove(std::string path) { co_await detail::begin_remove(std::move(path), 0); }

Coro<> mkdir(std::string path, unsigned mode) {
  co_await detail::begin_make_folder(std::move(path), mode);
}

Coro<> makedirs(std::string path, bool exist_ok) {
  co_await in_thread(detail::IoOperation::make_folder, -1,
                     [path = std::move(path), exist_ok] { make_folders(path, exist_ok); });
}

Coro<> rmdir(std::string path) { co_await detail::begin_remove(std::move(path), AT_REMOVEDIR); }

Coro<std::vector<std::string>> listdir(std::string path) {
  co_return co_await in_thread(detail::IoOperation::list, -1,
                               [path = std::move(path)] { return names_in(path); });
}

}  // namespace os
}  // namespace asyncio
