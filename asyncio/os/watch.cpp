#include "asyncio/os/watch.hpp"

#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <vector>

#include "asyncio/base/errors.hpp"
#include "asyncio/net/sockets.hpp"
#include "asyncio/os/internal/owned_fd.hpp"
#include "asyncio/os/internal/read_write.hpp"

namespace asyncio {
namespace {

constexpr std::uint32_t kWatched = IN_CREATE | IN_MODIFY | IN_CLOSE_WRITE | IN_ATTRIB |
                                   IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE | IN_DELETE_SELF |
                                   IN_MOVE_SELF | IN_ONLYDIR;
constexpr std::size_t kBufferSize = 16 * 1024;

struct KindOfBit {
  std::uint32_t bit;
  FileChange::Kind kind;
};
constexpr KindOfBit kKinds[] = {
    {IN_CREATE, FileChange::Kind::created},      {IN_MODIFY, FileChange::Kind::modified},
    {IN_CLOSE_WRITE, FileChange::Kind::closed},  {IN_MOVED_FROM, FileChange::Kind::moved_from},
    {IN_MOVED_TO, FileChange::Kind::moved_to},   {IN_DELETE, FileChange::Kind::deleted},
    {IN_DELETE_SELF, FileChange::Kind::gone},    {IN_MOVE_SELF, FileChange::Kind::gone},
    {IN_UNMOUNT, FileChange::Kind::gone},        {IN_IGNORED, FileChange::Kind::gone},
    {IN_Q_OVERFLOW, FileChange::Kind::overflow}, {IN_ATTRIB, FileChange::Kind::attributes},
};

FileChange change_of(const inotify_event& event, std::string_view name) {
  FileChange change;
  for (const KindOfBit& each : kKinds) {
    if ((event.mask & each.bit) == 0) continue;
    change.kind = each.kind;
    break;
  }
  change.name = name;
  change.is_directory = (event.mask & IN_ISDIR) != 0;
  change.cookie = event.cookie;
  return change;
}

// Attributes of the folder itself say nothing of what is in it.
bool is_of_interest(const inotify_event& event) {
  return event.len != 0 || event.wd == -1 ||
         (event.mask & (IN_DELETE_SELF | IN_MOVE_SELF | IN_UNMOUNT | IN_IGNORED)) != 0;
}

// What read(2) gave: events one behind the other, each with its name.
std::vector<FileChange> parse(std::string_view bytes) {
  std::vector<FileChange> changes;
  for (std::size_t place = 0; place < bytes.size();) {
    inotify_event event;
    std::memcpy(&event, bytes.data() + place, sizeof event);
    const char* const name = bytes.data() + place + sizeof event;
    place += sizeof event + event.len;
    if (is_of_interest(event)) changes.push_back(change_of(event, event.len == 0 ? "" : name));
  }
  return changes;
}

// Nothing where nothing has happened. Throws OSError.
std::vector<FileChange> read_changes(int fd) {
  std::array<char, kBufferSize> buffer;
  const ssize_t got = detail::read_fd(fd, buffer.data(), buffer.size());
  if (got == -EAGAIN) return {};
  if (got <= 0) throw_os_error(static_cast<int>(-got), "inotify");
  return parse(std::string_view(buffer.data(), static_cast<std::size_t>(got)));
}

AsyncGenerator<FileChange> changes_of(detail::OwnedFd fd) {
  for (;;) {
    std::vector<FileChange> changes = read_changes(fd.get());
    if (changes.empty()) co_await wait_readable(fd.get());
    for (FileChange& change : changes) {
      const bool last = change.kind == FileChange::Kind::gone;
      co_yield std::move(change);
      if (last) co_return;
    }
  }
}

}  // namespace

AsyncGenerator<FileChange> watch_directory(std::string path) {
  detail::OwnedFd fd(::inotify_init1(IN_NONBLOCK | IN_CLOEXEC));
  if (!fd) throw_os_error(errno, "inotify_init1");
  if (::inotify_add_watch(fd.get(), path.c_str(), kWatched) < 0)
    throw_os_error(errno, "inotify_add_watch", path);
  return changes_of(std::move(fd));
}

const char* to_string(FileChange::Kind kind) noexcept {
  switch (kind) {
    case FileChange::Kind::created:
      return "created";
    case FileChange::Kind::modified:
      return "modified";
    case FileChange::Kind::closed:
      return "closed";
    case FileChange::Kind::attributes:
      return "attributes";
    case FileChange::Kind::moved_from:
      return "moved_from";
    case FileChange::Kind::moved_to:
      return "moved_to";
    case FileChange::Kind::deleted:
      return "deleted";
    case FileChange::Kind::gone:
      return "gone";
    case FileChange::Kind::overflow:
      return "overflow";
  }
  return "unknown";
}

}  // namespace asyncio
