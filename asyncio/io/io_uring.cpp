// io_uring.cpp: the backend on io_uring(7).
//
// An fd is polled first. Once its owner has called receive() or accept(), the poll gives way to a
// multishot operation: the kernel puts what comes into our buffers (or accepts), and receive() and
// accept() hand out its completions. Sends are plain system calls: queueing them saves nothing that
// can be measured and costs a copy (docs/decisions/0010-io-uring.md).
//
// An operation of the kernel is named by fd, kind and generation (`user_data`); its memory is the
// Descriptor of that fd and the receive buffers, which both belong to the backend. Nothing of it
// lies in a transport or in a coroutine frame.
//
// The one rule of submission: what names an fd is queued inside wait() and submitted by the same
// wait(). In between there are only cancellations, which name an operation; so no submission can
// meet another file under its number.
#include "asyncio/io/io_uring.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <new>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "asyncio/base/errors.hpp"
#include "asyncio/io/internal/before_wait.hpp"
#include "asyncio/io/internal/descriptor.hpp"
#include "asyncio/io/internal/file_ring.hpp"
#include "asyncio/io/internal/ring.hpp"

namespace asyncio::detail {
namespace {

using namespace uring;

class IoUringBackend final : public IoBackend {
 public:
  explicit IoUringBackend(IoUringOptions options);
  IoUringBackend(const IoUringBackend&) = delete;
  IoUringBackend& operator=(const IoUringBackend&) = delete;
  ~IoUringBackend() override;

  void wait(std::int64_t timeout_ns) override;
  void wake() noexcept override;
  void watch(int fd, FdWatcher& watcher) override;
  void watch_writable(int fd, FdWatcher& watcher) override;
  void watch_level(int fd, FdWatcher& watcher, bool readable, bool writable) override;
  void forget(int fd) noexcept override;
  void close(int fd) noexcept override;
  bool call_before_wait(int fd) noexcept override { return before_wait_.add(fd); }
  bool receives_ahead() const noexcept override { return true; }
  Received receive(int fd) override;
  std::int64_t receive_into(int fd, char* data, std::size_t size) noexcept override;
  int accept(int fd, SocketAddress& peer) noexcept override;
  bool offers(FileCall::Kind kind) noexcept override;
  void start(FileCall& call) override { files_->add(call); }
  const char* name() const noexcept override { return "io_uring"; }
  unsigned filled_buffers() const noexcept {
    if (!buffers_) return 0;
    return buffers_->count() - buffers_->free() - (lent_ >= 0 ? 1 : 0);
  }

 private:
  // So much may wait for an owner that takes nothing; then the kernel is told to stop.
  static constexpr unsigned kMostPieces = 8;
  static constexpr unsigned kMostAccepted = 64;

  Descriptor& descriptor(int fd);
  Descriptor& at(int fd) noexcept { return descriptors_[static_cast<std::size_t>(fd)]; }
  Descriptor* known(int fd) noexcept;
  void begin_watching(int fd, FdWatcher& watcher);

  // ---- operations of the kernel
  void want(int fd, Operation operation) noexcept;
  void arm_wanted();
  bool arm(int fd, Operation operation);
  Operation reading(const Descriptor& state) const noexcept;
  void prepare(io_uring_sqe& entry, int fd, Operation operation) noexcept;
  void arm_wakeup();
  void cancel(int fd, Operation operation) noexcept;
  void submit_cancellations() noexcept;
  void go_on(int fd) noexcept;
  void enter(std::int64_t timeout_ns);
  void replace_ring();
  void drain() noexcept;

  // ---- completions
  void complete(const Completion& completion);
  void drop(const Tag& tag, const Completion& completion) noexcept;
  void complete_poll(const Tag& tag, int events);
  void complete_receive(int fd, const Completion& completion);
  void complete_accept(int fd, const Completion& completion);
  bool is_passing(Descriptor& state, int error) const noexcept;
  void tell(int fd, int events) noexcept;

  // ---- what waits for the owner
  void add_piece(Descriptor& state, unsigned buffer, int size) noexcept;
  void take_first_piece(int fd, Descriptor& state) noexcept;
  void drop_waiting(Descriptor& state) noexcept;
  int take_accepted(int fd, Descriptor& state, SocketAddress& peer) noexcept;
  std::int64_t take_outcome(Descriptor& state) noexcept;
  void return_lent() noexcept;

  const IoUringOptions options_;
  std::optional<ReceiveBuffers> buffers_;  // before the ring, which must go first
  std::unique_ptr<Ring> ring_;
  int wakeup_ = -1;
  bool wakeup_armed_ = false;
  std::vector<Descriptor> descriptors_;  // by fd
  std::vector<int> to_arm_;              // capacity for every fd: want() must not fail
  std::vector<int> to_tell_;             // watched anew while something waits for their owners
  std::vector<Piece> pieces_;            // by buffer
  BeforeWait before_wait_;
  std::unique_ptr<FileRing> files_;  // from the first call on a file on
  bool refuses_files_ = false;       // the kernel gives no second ring
  int lent_ = -1;                    // the buffer that receive() gave out last
  std::uint32_t waits_ = 0;
  std::uint32_t held_by_kernel_ = 0;  // operations without their last completion
};

IoUringBackend::IoUringBackend(IoUringOptions options)
    : options_(options), ring_(std::make_unique<Ring>(options_)) {
  if (options_.buffers != 0 && options_.receive_multishot) {
    try {
      buffers_.emplace(options_.buffers, options_.buffer_size);
    } catch (const std::bad_alloc&) {  // the thread's own buffer does as well
    }
    if (buffers_ && !ring_->lend(*buffers_)) buffers_.reset();
  }
  pieces_.resize(options_.buffers);
  wakeup_ = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  if (wakeup_ < 0) throw_os_error(errno, "eventfd");
}

IoUringBackend::~IoUringBackend() {
  if (!ring_->is_foreign()) drain();
  // By index: a watcher that is told may forget others.
  for (std::size_t fd = 0; fd < descriptors_.size(); ++fd) {
    drop_waiting(descriptors_[fd]);
    FdWatcher* const watcher = std::exchange(descriptors_[fd].watcher, nullptr);
    if (watcher != nullptr) watcher->on_backend_closed();
  }
  files_.reset();
  ring_.reset();
  ::close(wakeup_);
}

// Ends every operation, so that no file stays open because of one.
void IoUringBackend::drain() noexcept {
  if (held_by_kernel_ == 0) return;
  for (std::size_t fd = 0; fd < descriptors_.size(); ++fd)
    for (unsigned operation = 0; operation < kOperations; ++operation)
      cancel(static_cast<int>(fd), static_cast<Operation>(operation));
  if (wakeup_armed_)
    ring_->cancel(Tag{wakeup_, kWake, 0}.user_data(), Tag{0, kCancel, 0}.user_data());
  constexpr int kRounds = 1000;  // one is enough for whatever waits for a poll
  for (int round = 0; round < kRounds && held_by_kernel_ > 0; ++round) {
    if (ring_->look() != 0) return;  // another thread's ring: it goes as a whole
    while (ring_->ready() > 0) {
      const Completion completion = ring_->pop();
      drop(Tag::of(completion.user_data), completion);
    }
  }
}

// ---- descriptors

Descriptor* IoUringBackend::known(int fd) noexcept {
  if (fd < 0 || static_cast<std::size_t>(fd) >= descriptors_.size()) return nullptr;
  return &at(fd);
}

Descriptor& IoUringBackend::descriptor(int fd) {
  if (fd < 0) throw ValueError("Invalid file descriptor: " + std::to_string(fd));
  if (static_cast<std::size_t>(fd) >= descriptors_.size()) {
    const std::size_t size = static_cast<std::size_t>(fd) * 2 + 16;
    to_arm_.reserve(size);
    descriptors_.resize(size);
  }
  return at(fd);
}

// Polls are made anew, because they report what holds now; a multishot operation goes on.
void IoUringBackend::begin_watching(int fd, FdWatcher& watcher) {
  Descriptor& state = descriptor(fd);
  if (state.watcher == nullptr && ::fcntl(fd, F_GETFD) < 0) throw_os_error(errno, "io_uring");
  for (const Operation operation : {kPollRead, kPollWrite, kPollLevel}) cancel(fd, operation);
  if (state.has_waiting()) to_tell_.push_back(fd);
  state.level = 0;
  state.watcher = &watcher;
  want(fd, kPollRead);
}

void IoUringBackend::watch(int fd, FdWatcher& watcher) { begin_watching(fd, watcher); }

void IoUringBackend::watch_writable(int fd, FdWatcher& watcher) {
  begin_watching(fd, watcher);
  want(fd, kPollWrite);
}

void IoUringBackend::watch_level(int fd, FdWatcher& watcher, bool readable, bool writable) {
  if (!readable && !writable) {
    forget(fd);
    return;
  }
  Descriptor& state = descriptor(fd);
  if (state.watcher == nullptr) {
    struct stat status{};
    if (::fstat(fd, &status) != 0) throw_os_error(errno, "io_uring");
    // As epoll(7) has it, and so Python: a file is always ready, to wait for it is a mistake.
    if (S_ISREG(status.st_mode) || S_ISDIR(status.st_mode)) throw_os_error(EPERM, "io_uring");
  }
  for (unsigned operation = 0; operation < kOperations; ++operation)
    cancel(fd, static_cast<Operation>(operation));
  state.watcher = &watcher;
  state.level = static_cast<std::uint8_t>((readable ? POLLIN : 0) | (writable ? POLLOUT : 0));
  want(fd, kPollLevel);
}

void IoUringBackend::forget(int fd) noexcept {
  Descriptor* const state = known(fd);
  if (state == nullptr) return;
  const bool armed = state->armed != 0;
  for (unsigned operation = 0; operation < kOperations; ++operation)
    cancel(fd, static_cast<Operation>(operation));
  state->watcher = nullptr;
  state->level = 0;
  state->kind = Kind::unknown;
  if (armed) submit_cancellations();
}

void IoUringBackend::close(int fd) noexcept {
  forget(fd);
  if (Descriptor* const state = known(fd)) {
    // What the cancelled operations still bring is nobody's.
    for (std::uint32_t& generation : state->generation)
      generation = (generation + 1) & kGenerations;
    state->armed = state->stopping = 0;
    drop_waiting(*state);
  }
  ::close(fd);
}

// ---- operations of the kernel

void IoUringBackend::want(int fd, Operation operation) noexcept {
  Descriptor& state = at(fd);
  state.wanted |= bit(operation);
  if (!std::exchange(state.listed, true)) to_arm_.push_back(fd);
}

// What the kernel does not take now is tried again in the next wait().
void IoUringBackend::arm_wanted() {
  if (!wakeup_armed_) arm_wakeup();
  std::size_t kept = 0;
  for (const int fd : to_arm_) {
    Descriptor& state = at(fd);
    const std::uint8_t wanted = std::exchange(state.wanted, std::uint8_t{0});
    state.listed = false;
    if (state.watcher == nullptr) continue;
    for (const Operation operation : {kPollRead, kPollWrite, kPollLevel})
      if ((wanted & bit(operation)) != 0 && !arm(fd, operation)) state.wanted |= bit(operation);
    if (state.wanted == 0) continue;
    state.listed = true;
    to_arm_[kept++] = fd;
  }
  to_arm_.resize(kept);
}

// How an fd is read now. Without deferred work only polled: else the kernel could take bytes into
// a ring that replace_ring() has left behind.
Operation IoUringBackend::reading(const Descriptor& state) const noexcept {
  if (!ring_->defers_work()) return kPollRead;
  if (state.kind == Kind::listener && options_.accept_multishot) return kAccept;
  // Without a free buffer the kernel would refuse.
  if (state.kind == Kind::stream && buffers_ && buffers_->free() > 0) return kReceive;
  return kPollRead;
}

bool IoUringBackend::arm(int fd, Operation operation) {
  Descriptor& state = at(fd);
  if (operation == kPollRead) operation = reading(state);
  if ((state.armed & bit(operation)) != 0) return true;
  io_uring_sqe* const entry = ring_->next();
  if (entry == nullptr) return false;
  prepare(*entry, fd, operation);
  entry->user_data = Tag{fd, operation, state.generation[operation]}.user_data();
  state.armed |= bit(operation);
  ++held_by_kernel_;
  if (operation == kReceive || operation == kAccept) cancel(fd, kPollRead);
  return true;
}

void IoUringBackend::prepare(io_uring_sqe& entry, int fd, Operation operation) noexcept {
  const unsigned level = at(fd).level;
  switch (operation) {
    case kReceive:
      io_uring_prep_recv_multishot(&entry, fd, nullptr, 0, 0);
      entry.flags |= IOSQE_BUFFER_SELECT;
      entry.buf_group = ReceiveBuffers::kGroup;
      return;
    case kAccept:
      io_uring_prep_multishot_accept(&entry, fd, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
      return;
    case kPollLevel:
      io_uring_prep_poll_add(&entry, fd, level | ((level & POLLIN) != 0 ? POLLRDHUP : 0U));
      return;
    default:
      io_uring_prep_poll_multishot(&entry, fd,
                                   operation == kPollWrite ? POLLOUT : POLLIN | POLLRDHUP);
  }
}

void IoUringBackend::arm_wakeup() {
  io_uring_sqe* const entry = ring_->next();
  if (entry == nullptr) return;
  io_uring_prep_poll_multishot(entry, wakeup_, POLLIN);  // one write wakes once, and needs no read
  entry->user_data = Tag{wakeup_, kWake, 0}.user_data();
  wakeup_armed_ = true;
  ++held_by_kernel_;
}

// A poll that was cancelled does not matter any more. What receives or accepts counts as armed
// until its last completion, because that may bring something.
void IoUringBackend::cancel(int fd, Operation operation) noexcept {
  Descriptor& state = at(fd);
  state.wanted &= static_cast<std::uint8_t>(~bit(operation));
  if ((state.armed & ~state.stopping & bit(operation)) == 0) return;
  ring_->cancel(Tag{fd, operation, state.generation[operation]}.user_data(),
                Tag{fd, kCancel, 0}.user_data());
  if (operation == kReceive || operation == kAccept) {
    state.stopping |= bit(operation);
    return;
  }
  state.armed &= static_cast<std::uint8_t>(~bit(operation));
  state.generation[operation] = (state.generation[operation] + 1) & kGenerations;
}

// Now, not in the next wait(): the file must not stay open because of them.
void IoUringBackend::submit_cancellations() noexcept {
  if (ring_->is_foreign()) return;
  constexpr int kAttempts = 10;  // EAGAIN, EBUSY: the kernel is short of memory
  for (int i = 0; i < kAttempts; ++i)
    if (const int result = ring_->look(); result == 0 || result == -EEXIST) return;
}

// Reads (accepts) on, once the owner has taken everything.
void IoUringBackend::go_on(int fd) noexcept {
  Descriptor& state = at(fd);
  if (!state.is_edge() || state.has_waiting()) return;
  if ((state.armed & (bit(kReceive) | bit(kAccept))) != 0) return;
  if (reading(state) == kPollRead) cancel(fd, kPollRead);  // made anew, it reports what holds now
  want(fd, kPollRead);
}

// ---- waiting

void IoUringBackend::wait(std::int64_t timeout_ns) {
  if (ring_->is_foreign())
    throw RuntimeError(
        "This event loop belongs to the process that this one was forked from\n"
        "  instead: make a new loop, with asyncio::run(), in the child");
  if (ring_->is_enabled() && !ring_->is_of_this_thread()) replace_ring();
  if (!ring_->is_enabled()) ring_->enable();
  return_lent();
  ++waits_;
  const bool is_told = before_wait_.call([this](int fd) {
    const Descriptor* const state = known(fd);
    return state != nullptr ? state->watcher : nullptr;
  });
  arm_wanted();
  const bool is_busy =
      is_told || !to_arm_.empty() || !to_tell_.empty() || (files_ && files_->advance());
  enter(is_busy ? 0 : timeout_ns);
  if (files_) files_->advance();
  for (unsigned left = ring_->ready(); left > 0 && ring_->ready() > 0; --left)
    complete(ring_->pop());
  for (const int fd : std::exchange(to_tell_, {})) tell(fd, POLLIN);
}

void IoUringBackend::enter(std::int64_t timeout_ns) {
  const int result = observed(IoOperation::wait, -1, [&] {
    return timeout_ns == 0 ? ring_->look() : ring_->sleep(timeout_ns);
  });
  switch (result) {
    case 0:
    case -EINTR:
    case -EAGAIN:  // no memory for now
    case -EBUSY:   // completions must be taken first
      return;
    case -EEXIST:  // a thread of the same name has gone before
      replace_ring();
      return;
    default:
      throw_os_error(-result, "io_uring_enter");
  }
}

// The loop has changed threads, and a ring has one for its life.
void IoUringBackend::replace_ring() {
  while (ring_->ready() > 0) complete(ring_->pop());
  auto fresh = std::make_unique<Ring>(options_);
  ring_ = std::move(fresh);
  if (buffers_ && !ring_->lend(*buffers_)) throw_os_error(ENOMEM, "io_uring_register");
  wakeup_armed_ = false;
  held_by_kernel_ = 0;
  for (std::size_t i = 0; i < descriptors_.size(); ++i) {
    const int fd = static_cast<int>(i);
    Descriptor& state = descriptors_[i];
    const std::uint8_t armed = std::exchange(state.armed, std::uint8_t{0});
    state.stopping = 0;
    if (state.watcher == nullptr) continue;
    if (state.level != 0)
      want(fd, kPollLevel);
    else
      want(fd, kPollRead);
    if ((armed & bit(kPollWrite)) != 0) want(fd, kPollWrite);
  }
}

bool IoUringBackend::offers(FileCall::Kind kind) noexcept {
  if (!files_ && !refuses_files_) {
    try {
      files_ = std::make_unique<FileRing>(wakeup_);
    } catch (const OSError&) {  // EMFILE, ENOMEM: threads do as well
      refuses_files_ = true;
    } catch (const std::bad_alloc&) {
      refuses_files_ = true;
    }
  }
  return files_ && files_->offers(kind);
}

void IoUringBackend::wake() noexcept {
  const std::uint64_t one = 1;
  const int saved = errno;  // this may run in a signal handler
  // EAGAIN means that the counter is full, and so the wake-up is there already.
  [[maybe_unused]] const ssize_t written = write(wakeup_, &one, sizeof one);
  errno = saved;
}

// ---- completions

void IoUringBackend::complete(const Completion& completion) {
  const Tag tag = Tag::of(completion.user_data);
  const bool is_last = (completion.flags & IORING_CQE_F_MORE) == 0;
  if (tag.operation >= kOperations || at(tag.fd).generation[tag.operation] != tag.generation) {
    drop(tag, completion);
    return;
  }
  Descriptor& state = at(tag.fd);
  if (is_last) {
    --held_by_kernel_;
    state.armed &= static_cast<std::uint8_t>(~bit(tag.operation));
    state.stopping &= static_cast<std::uint8_t>(~bit(tag.operation));
  }
  switch (tag.operation) {
    case kReceive:
      complete_receive(tag.fd, completion);
      if (is_last) go_on(tag.fd);
      return;
    case kAccept:
      complete_accept(tag.fd, completion);
      if (is_last) go_on(tag.fd);
      return;
    default:
      complete_poll(tag, completion.result);
      // An error is for the owner to see; polling again would only repeat it.
      if (is_last && (completion.result >= 0 || completion.result == -ECANCELED) &&
          at(tag.fd).watcher != nullptr && at(tag.fd).generation[tag.operation] == tag.generation)
        want(tag.fd, tag.operation);
  }
}

// Of an operation that does not matter any more, of a cancellation, of a wake-up.
void IoUringBackend::drop(const Tag& tag, const Completion& completion) noexcept {
  if (tag.operation == kCancel) return;
  const bool is_last = (completion.flags & IORING_CQE_F_MORE) == 0;
  if (is_last) --held_by_kernel_;
  if (is_last && tag.operation == kWake) wakeup_armed_ = false;
  if ((completion.flags & IORING_CQE_F_BUFFER) != 0) {
    const unsigned buffer = completion.flags >> IORING_CQE_BUFFER_SHIFT;
    buffers_->take(buffer);
    buffers_->give_back(buffer);
  }
  if (tag.operation == kAccept && completion.result >= 0) ::close(completion.result);
}

void IoUringBackend::complete_poll(const Tag& tag, int events) {
  if (events == -ECANCELED) return;
  tell(tag.fd, events >= 0 ? events : POLLERR);
}

// What says nothing of the fd itself.
bool IoUringBackend::is_passing(Descriptor& state, int error) const noexcept {
  switch (error) {
    case -EINVAL:  // the kernel does not know this operation, or not for this kind of file
    case -EOPNOTSUPP:
    case -ENOTSOCK:
      state.kind = Kind::plain;
      return true;
    case -ENOBUFS:
    case -ECANCELED:
    case -EAGAIN:
    case -EINTR:
      return true;
    default:
      return false;
  }
}

void IoUringBackend::complete_receive(int fd, const Completion& completion) {
  Descriptor& state = at(fd);
  if ((completion.flags & IORING_CQE_F_BUFFER) != 0) {
    const unsigned buffer = completion.flags >> IORING_CQE_BUFFER_SHIFT;
    buffers_->take(buffer);
    if (completion.result > 0)
      add_piece(state, buffer, completion.result);
    else
      buffers_->give_back(buffer);
  }
  if (completion.result > 0) {
    // The owner has paused: what comes now shall stay in the socket, and slow the peer down.
    if (state.pieces > kMostPieces && state.since != waits_) cancel(fd, kReceive);
    tell(fd, POLLIN);
  } else if (!is_passing(state, completion.result)) {
    state.outcome = completion.result;
    tell(fd, completion.result == 0 ? POLLIN | POLLRDHUP : POLLERR);
  }
}

void IoUringBackend::complete_accept(int fd, const Completion& completion) {
  Descriptor& state = at(fd);
  if (completion.result >= 0) {
    if (!state.accepted) state.accepted = std::make_unique<std::deque<int>>();
    if (state.accepted->empty()) state.since = waits_;
    state.accepted->push_back(completion.result);
    if (state.accepted->size() > kMostAccepted && state.since != waits_) cancel(fd, kAccept);
  } else if (is_passing(state, completion.result)) {
    return;
  } else {
    state.outcome = completion.result;
  }
  tell(fd, POLLIN);
}

void IoUringBackend::tell(int fd, int events) noexcept {
  FdWatcher* const watcher = at(fd).watcher;
  if (watcher == nullptr) return;
  const bool failed = (events & (POLLERR | POLLHUP)) != 0;
  if ((events & (POLLERR | POLLHUP | POLLRDHUP)) != 0) watcher->on_hangup();
  watcher->on_ready(failed || (events & (POLLIN | POLLRDHUP)) != 0,
                    failed || (events & POLLOUT) != 0);
}

// ---- what waits for the owner

void IoUringBackend::add_piece(Descriptor& state, unsigned buffer, int size) noexcept {
  pieces_[buffer] = {.begin = 0, .end = static_cast<std::uint32_t>(size), .next = -1};
  const int id = static_cast<int>(buffer);
  if (state.first < 0) {
    state.first = id;
    state.since = waits_;
  } else {
    pieces_[static_cast<std::size_t>(state.last)].next = id;
  }
  state.last = id;
  ++state.pieces;
}

void IoUringBackend::take_first_piece(int fd, Descriptor& state) noexcept {
  state.first = pieces_[static_cast<std::size_t>(state.first)].next;
  --state.pieces;
  if (state.first < 0) go_on(fd);
}

// The owner is done with what receive() has lent it.
void IoUringBackend::return_lent() noexcept {
  if (lent_ >= 0) buffers_->give_back(static_cast<unsigned>(std::exchange(lent_, -1)));
}

void IoUringBackend::drop_waiting(Descriptor& state) noexcept {
  for (; state.first >= 0; state.first = pieces_[static_cast<std::size_t>(state.first)].next)
    buffers_->give_back(static_cast<unsigned>(state.first));
  state.pieces = 0;
  state.outcome = Descriptor::kNone;
  if (!state.accepted) return;
  for (const int fd : *state.accepted) ::close(fd);
  state.accepted.reset();
}

// The end of a stream stays; an error is told once, as the kernel does.
std::int64_t IoUringBackend::take_outcome(Descriptor& state) noexcept {
  return state.outcome == 0 ? 0 : std::exchange(state.outcome, Descriptor::kNone);
}

Received IoUringBackend::receive(int fd) {
  return_lent();
  Descriptor* const state = known(fd);
  if (state == nullptr) return IoBackend::receive(fd);
  if (state->first >= 0) {
    lent_ = state->first;
    const Piece piece = pieces_[static_cast<std::size_t>(lent_)];
    take_first_piece(fd, *state);
    observed(IoOperation::receive, fd, [&] { return std::int64_t{piece.end} - piece.begin; });
    return {buffers_->at(static_cast<unsigned>(lent_)) + piece.begin, piece.end - piece.begin,
            state->has_waiting()};
  }
  if (state->outcome != Descriptor::kNone) return {nullptr, take_outcome(*state)};
  if ((state->armed & bit(kReceive)) != 0) return {nullptr, -EAGAIN};
  if (state->is_edge()) {
    if (state->kind == Kind::unknown) state->kind = Kind::stream;
    if (reading(*state) == kReceive) want(fd, kPollRead);
  }
  return IoBackend::receive(fd);
}

std::int64_t IoUringBackend::receive_into(int fd, char* data, std::size_t size) noexcept {
  return_lent();
  Descriptor* const state = known(fd);
  if (state == nullptr) return IoBackend::receive_into(fd, data, size);
  std::size_t got = 0;
  while (state->first >= 0 && got < size) {
    const int buffer = state->first;
    Piece& piece = pieces_[static_cast<std::size_t>(buffer)];
    const auto count = std::min<std::size_t>(size - got, piece.end - piece.begin);
    std::memcpy(data + got, buffers_->at(static_cast<unsigned>(buffer)) + piece.begin, count);
    got += count;
    piece.begin += static_cast<std::uint32_t>(count);
    if (piece.begin < piece.end) break;
    take_first_piece(fd, *state);
    buffers_->give_back(static_cast<unsigned>(buffer));
  }
  if (got > 0)
    return observed(IoOperation::receive, fd, [&] { return static_cast<std::int64_t>(got); });
  if (state->outcome != Descriptor::kNone) return take_outcome(*state);
  if ((state->armed & bit(kReceive)) != 0) return -EAGAIN;
  return IoBackend::receive_into(fd, data, size);
}

int IoUringBackend::accept(int fd, SocketAddress& peer) noexcept {
  Descriptor* const state = known(fd);
  if (state == nullptr || !state->is_edge()) return IoBackend::accept(fd, peer);
  if (state->accepted && !state->accepted->empty()) return take_accepted(fd, *state, peer);
  if (state->outcome != Descriptor::kNone) return static_cast<int>(take_outcome(*state));
  if ((state->armed & bit(kAccept)) != 0) return -EAGAIN;
  const int result = IoBackend::accept(fd, peer);
  // After an error the owner tries again in its own time.
  if (result < 0 && result != -EAGAIN) return result;
  if (state->kind == Kind::unknown) state->kind = Kind::listener;
  if (reading(*state) == kAccept) want(fd, kPollRead);
  return result;
}

int IoUringBackend::take_accepted(int fd, Descriptor& state, SocketAddress& peer) noexcept {
  const int accepted = state.accepted->front();
  state.accepted->pop_front();
  go_on(fd);
  if (peer_name(accepted, peer) == 0)
    return observed(IoOperation::accept, fd, [&] { return accepted; });
  ::close(accepted);  // the client has gone already
  return -ECONNABORTED;
}

}  // namespace

std::unique_ptr<IoBackend> make_io_uring_backend(IoUringOptions options) {
  return std::make_unique<IoUringBackend>(options);
}

unsigned filled_buffers(const IoBackend& backend) noexcept {
  const auto* const ours = dynamic_cast<const IoUringBackend*>(&backend);
  return ours != nullptr ? ours->filled_buffers() : 0;
}

}  // namespace asyncio::detail
