// files.cpp: File: the turns of its operations, its buffer, and what is left of a cancelled one.
// The system calls are in internal/file_ops.cpp, those on paths in paths.cpp.
#include "asyncio/os/files.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "asyncio/base/errors.hpp"
#include "asyncio/core/when_done.hpp"
#include "asyncio/os/internal/file_ops.hpp"
#include "asyncio/sync/locks.hpp"

namespace asyncio {
namespace detail {

class FileState {
 public:
  FileState(OpenFilePtr opened, int open_flags) : file(std::move(opened)), flags(open_flags) {}
  FileState(const FileState&) = delete;
  FileState& operator=(const FileState&) = delete;

  void check_open() const {
    if (!file) throw ValueError("I/O operation on closed file.");
  }
  void check_readable() const {
    check_open();
    if ((flags & O_ACCMODE) == O_WRONLY) throw ValueError("not readable");
  }
  void check_writable() {
    check_open();
    if ((flags & O_ACCMODE) == O_RDONLY) throw ValueError("not writable");
    throw_left_error();
  }
  void throw_left_error() {
    if (left_error) std::rethrow_exception(std::exchange(left_error, nullptr));
  }
  std::size_t unread() const noexcept { return ahead.size() - begin; }
  std::string take(std::size_t count) {
    std::string taken;
    if (begin == 0 && count == ahead.size()) {
      taken.swap(ahead);
      return taken;
    }
    taken = ahead.substr(begin, count);
    begin += count;
    if (begin == ahead.size()) forget_ahead();
    return taken;
  }
  void keep(std::string data) {
    if (unread() == 0) {
      ahead = std::move(data);
      begin = 0;
    } else {
      ahead.append(data);
    }
  }
  void forget_ahead() noexcept {
    ahead.clear();
    begin = 0;
  }

  OpenFilePtr file;  // null once closed
  int flags;
  Lock turn;
  std::string ahead;  // read from the system, not yet by the user: from `begin` on
  std::size_t begin = 0;
  std::exception_ptr left_error;  // of a write whose task was cancelled
};

namespace {

using FileStatePtr = std::shared_ptr<FileState>;
using Turn = decltype(std::declval<Lock&>().scoped().await_resume());

constexpr std::size_t kChunk = std::size_t{64} * 1024;

// What a job gave after its task had gone: bytes belong to the next read, errors to the next write.
void absorb(FileState& state, const Future<std::string>& ended) {
  if (!ended.cancelled() && !ended.exception()) state.keep(ended.result());
}
void absorb(FileState& state, const Future<std::size_t>& ended) {
  if (!ended.cancelled() && ended.exception()) state.left_error = ended.exception();
}
void absorb(FileState& state, const Future<>& ended) {
  if (!ended.cancelled() && ended.exception()) state.left_error = ended.exception();
}

// Waits for a job. Where the task is cancelled meanwhile, the job keeps the file's turn to its end.
template <class T>
Coro<T> finish(FileStatePtr state, Turn& turn, Future<T> job) {
  std::exception_ptr cancelled;
  try {
    co_await WhenDone(*job.state());
  } catch (...) {
    cancelled = std::current_exception();
  }
  if (cancelled) {
    job.add_done_callback(
        [state, kept = std::move(turn)](const Future<T>& ended) { absorb(*state, ended); });
    std::rethrow_exception(cancelled);
  }
  co_return co_await std::move(job);
}

Coro<std::string> read_some(FileStatePtr state, std::ptrdiff_t n) {
  Turn turn = co_await state->turn.scoped();
  state->check_readable();
  const std::size_t wanted = n < 0 ? state->ahead.max_size() : static_cast<std::size_t>(n);
  if (wanted <= state->unread()) co_return state->take(wanted);
  Future<std::string> job = begin_read_fully(state->file, wanted - state->unread());
  std::string rest = co_await finish(state, turn, std::move(job));
  if (state->unread() == 0) co_return rest;
  state->keep(std::move(rest));
  co_return state->take(state->unread());
}

Coro<std::string> read_line(FileStatePtr state) {
  Turn turn = co_await state->turn.scoped();
  state->check_readable();
  for (std::size_t searched = 0;;) {
    const std::size_t end = state->ahead.find('\n', state->begin + searched);
    if (end != std::string::npos) co_return state->take(end + 1 - state->begin);
    searched = state->unread();
    std::string more = co_await finish(state, turn, begin_read(state->file, kChunk));
    if (more.empty()) co_return state->take(state->unread());
    state->keep(std::move(more));
  }
}

Coro<std::optional<std::string>> next_line(FileStatePtr state) {
  std::string line = co_await read_line(std::move(state));
  if (line.empty()) co_return std::nullopt;
  co_return line;
}

Coro<std::size_t> write_all(FileStatePtr state, std::string data) {
  Turn turn = co_await state->turn.scoped();
  state->check_writable();
  const std::size_t unread = state->unread();
  state->forget_ahead();
  co_return co_await finish(state, turn, begin_write(state->file, std::move(data), unread));
}

std::int64_t move_to(FileState& state, std::int64_t offset, int whence) {
  const off_t place = ::lseek(state.file->fd.get(), offset, whence);
  if (place < 0) throw_file_error(errno, "lseek", state.file->path);
  return place;
}

Coro<std::int64_t> seek_to(FileStatePtr state, std::int64_t offset, int whence) {
  Turn turn = co_await state->turn.scoped();
  state->check_open();
  if (whence == SEEK_CUR) offset -= static_cast<std::int64_t>(state->unread());
  const std::int64_t place = move_to(*state, offset, whence);
  state->forget_ahead();
  co_return place;
}

Coro<std::int64_t> position(FileStatePtr state) {
  Turn turn = co_await state->turn.scoped();
  state->check_open();
  co_return move_to(*state, 0, SEEK_CUR) - static_cast<std::int64_t>(state->unread());
}

Coro<std::int64_t> truncate_to(FileStatePtr state, std::optional<std::int64_t> size) {
  Turn turn = co_await state->turn.scoped();
  state->check_writable();
  if (!size) size = move_to(*state, 0, SEEK_CUR) - static_cast<std::int64_t>(state->unread());
  co_await finish(state, turn, begin_truncate(state->file, *size));
  co_return *size;
}

Coro<> flush_file(FileStatePtr state) {
  Turn turn = co_await state->turn.scoped();
  state->check_open();
  state->throw_left_error();
}

Coro<> sync_file(FileStatePtr state) {
  Turn turn = co_await state->turn.scoped();
  state->check_open();
  state->throw_left_error();
  co_await finish(state, turn, begin_sync(state->file));
}

Coro<> close_file(FileStatePtr state) {
  Turn turn = co_await state->turn.scoped();
  if (state->file) {
    state->forget_ahead();
    co_await finish(state, turn, begin_close(std::exchange(state->file, nullptr)));
  }
  state->throw_left_error();
}

// Python's letters as open(2) has them. Throws ValueError.
int flags_of(const std::string& mode) {
  int kinds = 0;
  int flags = 0;
  bool both = false;
  for (const char letter : mode) {
    const auto times = std::count(mode.begin(), mode.end(), letter);
    if (times > 1 || std::string_view("rwax+bt").find(letter) == std::string_view::npos)
      throw ValueError("invalid mode: '" + mode + "'");
    if (letter == '+') both = true;
    if (letter == 'w') flags = O_CREAT | O_TRUNC;
    if (letter == 'a') flags = O_CREAT | O_APPEND;
    if (letter == 'x') flags = O_CREAT | O_EXCL;
    if (std::string_view("rwax").find(letter) != std::string_view::npos) ++kinds;
  }
  if (kinds != 1) throw ValueError("must have exactly one of create/read/write/append mode");
  if (both) return flags | O_RDWR;
  return flags | (flags == 0 ? O_RDONLY : O_WRONLY);
}

constexpr unsigned kNewFileMode = 0666;  // less the umask

Coro<> write_whole(std::string path, std::string data) {
  const OpenFilePtr file =
      co_await begin_open(std::move(path), O_WRONLY | O_CREAT | O_TRUNC, kNewFileMode);
  static_cast<void>(co_await begin_write(file, std::move(data), 0));
  co_await begin_close(file);
}

}  // namespace
}  // namespace detail

detail::FileState& File::state() const {
  if (!state_) throw RuntimeError("this File is empty: nothing was assigned to it");
  return *state_;
}

ASYNCIO_CORO_WRAPPER Coro<std::string> File::read(std::ptrdiff_t n) const {
  state();
  return detail::read_some(state_, n);
}
ASYNCIO_CORO_WRAPPER Coro<std::string> File::readline() const {
  state();
  return detail::read_line(state_);
}
ASYNCIO_CORO_WRAPPER Coro<std::optional<std::string>> File::next() const {
  state();
  return detail::next_line(state_);
}
ASYNCIO_CORO_WRAPPER Coro<std::size_t> File::write(std::string_view data) const {
  state();
  return detail::write_all(state_, std::string(data));
}
ASYNCIO_CORO_WRAPPER Coro<std::int64_t> File::seek(std::int64_t offset, int whence) const {
  state();
  return detail::seek_to(state_, offset, whence);
}
ASYNCIO_CORO_WRAPPER Coro<std::int64_t> File::tell() const {
  state();
  return detail::position(state_);
}
ASYNCIO_CORO_WRAPPER Coro<std::int64_t> File::truncate(std::optional<std::int64_t> size) const {
  state();
  return detail::truncate_to(state_, size);
}
ASYNCIO_CORO_WRAPPER Coro<> File::flush() const {
  state();
  return detail::flush_file(state_);
}
ASYNCIO_CORO_WRAPPER Coro<> File::fsync() const {
  state();
  return detail::sync_file(state_);
}
ASYNCIO_CORO_WRAPPER Coro<> File::close() const {
  state();
  return detail::close_file(state_);
}

bool File::closed() const noexcept { return !state_ || !state_->file; }
int File::fileno() const {
  state().check_open();
  return state_->file->fd.get();
}
const std::string& File::name() const {
  state().check_open();
  return state_->file->path;
}
Coro<> File::aenter() const {
  state().check_open();
  co_return;
}
Coro<bool> File::aexit(std::exception_ptr) const {
  co_await close();
  co_return false;
}
std::string File::repr() const {
  return closed() ? "<File closed>" : "<File '" + state_->file->path + "'>";
}

Coro<File> open_file(std::string path, std::string mode) {
  const int flags = detail::flags_of(mode);
  auto file = co_await detail::begin_open(std::move(path), flags, detail::kNewFileMode);
  co_return File(std::make_shared<detail::FileState>(std::move(file), flags));
}

Coro<std::string> read_file(std::string path) {
  const auto file = co_await detail::begin_open(std::move(path), O_RDONLY, 0);
  co_return co_await detail::begin_read_fully(file, std::string().max_size());
}

ASYNCIO_CORO_WRAPPER Coro<> write_file(std::string path, std::string_view data) {
  return detail::write_whole(std::move(path), std::string(data));
}

}  // namespace asyncio
