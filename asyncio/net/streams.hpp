// streams.hpp: StreamReader, StreamWriter and how to get them.
// Source: docs.python.org/3/library/asyncio-stream.html. Servers are in servers.hpp, the callback
// layer below in transports.hpp and protocols.hpp.
//
//   auto [reader, writer] = co_await asyncio::open_connection("example.org", 80);
//   writer.write("hello\n");
//   std::string line = co_await reader.readline();
#pragma once
#include <cstddef>
#include <cstdint>
#include <exception>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "asyncio/core/tasks.hpp"
#include "asyncio/net/address.hpp"
#include "asyncio/net/tls/ssl.hpp"
#include "asyncio/net/transports.hpp"

namespace asyncio {

inline constexpr std::size_t kDefaultStreamLimit = std::size_t{64} * 1024;

namespace detail {

class FdWatcher;
class StreamState;

// A read in progress. The bytes stay in the stream's buffer until the task runs again. Those of
// large messages come into it just before that, so that few connections at a time have some.
//
// Order:        one at a time on a stream.
// Cancellation: loses no byte.
// Threads:      the loop's thread only.
// Lifetime:     keeps the stream alive.
class ReadOperation : public Node {
 public:
  enum class Kind : std::uint8_t { some, all, exactly, line, until, view };

  ReadOperation(StreamState* state, Kind kind, std::size_t count) noexcept;
  ReadOperation(const ReadOperation& other) noexcept;
  ReadOperation& operator=(const ReadOperation&) = delete;

  bool await_ready();
  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> handle) {
    suspend(handle.promise());
  }

  void run() final;
  void notify() noexcept final;
  bool cancel_wait(const std::string& message) final;

 protected:
  friend class StreamState;
  ~ReadOperation();
  void resume();
  std::string take_string();
  std::string_view take_view();
  StreamState& state() const noexcept { return *state_; }
  Kind kind() const noexcept { return kind_; }
  // Of those that look for something in the buffer: found, or out of bounds.
  virtual bool search_is_over() { return true; }

 private:
  template <class>
  friend struct Shape;
  bool can_complete();
  bool receive_later(FdWatcher& source) noexcept;
  void receive() noexcept;
  void suspend(CoroPromiseBase& promise);
  const char* name() const noexcept;
  std::string take_exactly();

  StreamState* state_;
  TaskBase* task_ = nullptr;
  std::size_t count_;            // bytes wanted
  FdWatcher* source_ = nullptr;  // it has bytes, which are received when our turn comes
  Kind kind_;
  bool waiting_ = false;
};

// One that looks for a line or a separator.
class SearchingRead : public ReadOperation {
 public:
  using ReadOperation::ReadOperation;

 protected:
  ~SearchingRead() = default;
  std::string take_until();

  // Where what is looked for begins and ends, from the front of the buffer; end is 0 while it is
  // not there. Looks at what came since the last call only.
  struct Match {
    std::size_t begin = 0;
    std::size_t end = 0;
  };
  virtual Match search(std::string_view data);
  virtual std::size_t longest_separator() const noexcept { return 1; }
  std::size_t scanned() const noexcept { return scanned_; }

 private:
  bool search_is_over() final;
  [[noreturn]] void overrun(const char* message, std::size_t consumed);

  std::size_t scanned_ = 0;  // no separator begins before here
  Match match_;
};

class [[nodiscard]] StringRead final : public ReadOperation {
 public:
  using ReadOperation::ReadOperation;
  std::string await_resume() {
    resume();
    return take_string();
  }
};

class [[nodiscard]] LineRead final : public SearchingRead {
 public:
  using SearchingRead::SearchingRead;
  std::string await_resume() {
    resume();
    return take_until();
  }
};

class [[nodiscard]] NextLine final : public SearchingRead {
 public:
  using SearchingRead::SearchingRead;
  std::optional<std::string> await_resume() {
    resume();
    std::string line = take_until();
    if (line.empty()) return std::nullopt;
    return line;
  }
};

class [[nodiscard]] ViewRead final : public ReadOperation {
 public:
  using ReadOperation::ReadOperation;
  std::string_view await_resume() {
    resume();
    return take_view();
  }
};

class [[nodiscard]] UntilRead final : public SearchingRead {
 public:
  // Throws ValueError where there is no separator, or an empty one.
  UntilRead(StreamState* state, std::string separator);
  UntilRead(StreamState* state, std::vector<std::string> separators);
  std::string await_resume() {
    resume();
    return take_until();
  }

 private:
  Match search(std::string_view data) override;
  std::size_t longest_separator() const noexcept override;
  std::string separator_;             // the only one, or
  std::vector<std::string> several_;  // all, shortest first
};

// The wait of drain() and wait_closed().
//
// Order:        who waits for the same thing is woken in the order it came.
// Cancellation: leaves the wait and changes nothing else.
// Threads:      the loop's thread only.
// Lifetime:     keeps the stream alive.
class [[nodiscard]] FlowWait final : public Node {
 public:
  enum class Kind : std::uint8_t { drain, closed };

  FlowWait(StreamState* state, Kind kind) noexcept;
  FlowWait(const FlowWait& other) noexcept;
  FlowWait& operator=(const FlowWait&) = delete;
  ~FlowWait();

  bool await_ready();
  template <class Promise>
  void await_suspend(std::coroutine_handle<Promise> handle) {
    suspend(handle.promise());
  }
  void await_resume();

  void run() override {}
  void notify() noexcept override;
  bool cancel_wait(const std::string& message) override;
  bool is_over() const noexcept;

 private:
  template <class>
  friend struct Shape;
  void suspend(CoroPromiseBase& promise);

  StreamState* state_;
  TaskBase* task_ = nullptr;
  Kind kind_;
  bool waited_ = false;
};

// A counted handle on one side of a stream. The last handle of both sides closes the connection.
class StreamHandle {
 public:
  StreamHandle() noexcept = default;
  explicit StreamHandle(StreamState& state) noexcept;
  StreamHandle(StreamHandle&& other) noexcept : state_(std::exchange(other.state_, nullptr)) {}
  StreamHandle& operator=(StreamHandle&& other) noexcept {
    std::swap(state_, other.state_);
    return *this;
  }
  ~StreamHandle() {
    if (state_ != nullptr) drop();
  }
  StreamState& get(const char* what) const {
    if (state_ == nullptr) [[unlikely]]
      throw_empty_handle(what);
    return *state_;
  }

 private:
  void drop() noexcept;
  StreamState* state_ = nullptr;
};

}  // namespace detail

// Received bytes, in order. C++: what arrived before an error is delivered before it.
//
// Order:        one task reads at a time; a second one gets RuntimeError.
// Cancellation: loses no byte; the next read gets what the cancelled one would have got.
// Threads:      the loop's thread only.
// Lifetime:     a movable handle; dropping reader and writer closes the connection. Operations
//               keep the stream alive by themselves.
class StreamReader {
 public:
  // Not connected to anything: to be fed by hand. Throws ValueError for a limit of 0.
  explicit StreamReader(std::size_t limit = kDefaultStreamLimit);
  explicit StreamReader(detail::StreamState& state) noexcept : handle_(state) {}
  StreamReader(StreamReader&&) noexcept = default;
  StreamReader& operator=(StreamReader&&) noexcept = default;
  ~StreamReader() = default;

  // At most n bytes, as soon as there is one; with n < 0 everything up to the end. Empty at the
  // end of the stream.
  detail::StringRead read(std::ptrdiff_t n = -1);
  // Exactly n bytes. Throws IncompleteReadError where the stream ends before.
  detail::StringRead readexactly(std::size_t n);
  // A line with its "\n"; without it at the end of the stream, empty after that. Throws ValueError
  // where a line is longer than the limit, and drops it.
  detail::LineRead readline();
  // async for line in reader: while (auto line = co_await reader.next()).
  detail::NextLine next();
  // Up to and including the separator. Throws IncompleteReadError, and LimitOverrunError where
  // more than limit bytes come before it; then the buffer stays as it is.
  detail::UntilRead readuntil(std::string_view separator = "\n");
  // The shortest that ends with one of them.
  detail::UntilRead readuntil(std::span<const std::string_view> separators);
  detail::UntilRead readuntil(std::initializer_list<std::string_view> separators) {
    return readuntil(std::span(separators.begin(), separators.size()));
  }
  // Like read(n), without a copy: all that is buffered, at least a byte, empty at the end. Valid
  // until the next await; it stays in the buffer until consume().
  detail::ViewRead read_view();
  // The same, with at least n bytes unless the stream ends before.
  detail::ViewRead read_view(std::size_t n);
  std::string_view buffered() const;  // what is there now; valid until the next await
  void consume(std::size_t n);        // throws ValueError where fewer are buffered

  bool at_eof() const;  // the end has come and everything before it was read
  std::exception_ptr exception() const;
  // By whoever feeds it. feed_data after feed_eof throws RuntimeError.
  void feed_data(std::string_view data);
  void feed_eof();
  void set_exception(std::exception_ptr error);
  std::string repr() const;
  detail::StreamState& state() const { return handle_.get("StreamReader"); }

 private:
  detail::StreamHandle handle_;
};

// The writing side of a connection.
//
// Order:        bytes leave in the order of the calls.
// Cancellation: a cancelled drain() or wait_closed() changes nothing; what was written is sent.
// Threads:      the loop's thread only.
// Lifetime:     a movable handle; dropping reader and writer closes the connection, and what is
//               buffered is sent in the background.
class StreamWriter {
 public:
  StreamWriter() noexcept = default;  // empty: to be assigned
  explicit StreamWriter(detail::StreamState& state) noexcept : handle_(state) {}
  StreamWriter(StreamWriter&&) noexcept = default;
  StreamWriter& operator=(StreamWriter&&) noexcept = default;
  ~StreamWriter() = default;

  // Sends at once what the kernel takes and keeps the rest: follow it by drain(). Ignored while
  // closing. Throws RuntimeError after write_eof().
  void write(std::string_view data);
  // One system call for all parts. C++: respects the water marks, too.
  void writelines(std::span<const std::string_view> parts);
  void writelines(std::initializer_list<std::string_view> parts) {
    writelines(std::span(parts.begin(), parts.size()));
  }
  void writelines(std::span<const std::string> parts);
  // C++: takes the strings over: what the kernel does not take at once is not copied.
  void writelines(std::vector<std::string>&& parts);
  // Returns at once up to the high-water mark (64 KiB); else waits for the low one. Throws the
  // connection's error, ConnectionResetError("Connection lost") once it is closed. One that waits
  // while this end aborts the connection just returns, as Python's does.
  detail::FlowWait drain();
  // Sends `count` bytes (or all) of a file from `offset` behind what is buffered, through
  // sendfile(2); gives the number sent. Throws OSError; writing meanwhile is a RuntimeError.
  Coro<std::size_t> sendfile(std::string path, std::size_t offset = 0,
                             std::optional<std::size_t> count = {});
  Coro<std::size_t> sendfile(int fd, std::size_t offset = 0, std::optional<std::size_t> count = {});
  // Goes on as TLS: sends what is buffered, then shakes hands. A client names the server it
  // expects; the side is known. What the reader holds already counts as the peer's TLS. Closes the
  // connection and throws where the handshake fails (SslError, ConnectionAbortedError).
  Coro<> start_tls(ssl::Context context, StartTlsOptions options = {});
  void write_eof();  // half-close: the peer reads to the end and can still answer; not over TLS
  bool can_write_eof() const;
  void close();  // what is buffered is sent in the background
  void abort();  // what is buffered is dropped
  bool is_closing() const;
  // Until the connection is gone. Throws its error where it did not end well.
  detail::FlowWait wait_closed();

  Address peername() const;
  Address sockname() const;
  int fileno() const;            // -1 once closed
  SslObject ssl_object() const;  // empty where the connection is plain
  Transport& transport() const;
  std::string repr() const;

 private:
  detail::StreamState& state() const { return handle_.get("StreamWriter"); }
  detail::StreamHandle handle_;
};

struct Connection {
  StreamReader reader;
  StreamWriter writer;
};

struct ConnectOptions {
  Duration timeout = Duration::max();  // for resolving, connecting and TLS together
  std::string local_host = {};         // where to connect from: a name or a number
  int local_port = 0;
  int sock = -1;  // a connected stream socket to take over, instead of host and port
  std::size_t limit = kDefaultStreamLimit;         // of the reader
  bool keep_alive = false;                         // SO_KEEPALIVE
  Address::Family family = Address::Family::none;  // none: IPv4 and IPv6
  // Where a host has several addresses: do not wait for one longer than this before trying the
  // next, too (Happy Eyeballs, RFC 8305, which proposes 250 ms). Empty: one after the other.
  std::optional<Duration> happy_eyeballs_delay = {};
  // So many addresses of the first family, then the families in turn; 0: as resolved. Empty: 1
  // with happy_eyeballs_delay, 0 without.
  std::optional<int> interleave = {};
  // Where all attempts failed: throw ExceptionGroup("create_connection failed") with every error,
  // not one error with all their words.
  bool all_errors = false;
  // TLS: a context, or true for ssl::create_default_context().
  ssl::Context ssl = {};
  std::optional<std::string> server_hostname = {};     // left out: the host
  std::optional<Duration> ssl_handshake_timeout = {};  // left out: 60 s
  std::optional<Duration> ssl_shutdown_timeout = {};   // left out: 30 s
};

// Connects by TCP, to the first address of the host that answers. Throws GaiError,
// ConnectionRefusedError and its like, TimeoutError, ExceptionGroup with all_errors.
Coro<Connection> open_connection(std::string host, int port);
Coro<Connection> open_connection(std::string host, int port, ConnectOptions options);
Coro<Connection> open_connection(ConnectOptions options);  // with .sock
Coro<Connection> open_unix_connection(std::string path);
Coro<Connection> open_unix_connection(std::string path, ConnectOptions options);
Coro<Connection> open_unix_connection(ConnectOptions options);  // with .sock

namespace detail {
// Two connected streams of one backend: in memory where that is simulated, else a socketpair(2).
std::pair<Connection, Connection> make_stream_pair(Loop& loop);
}  // namespace detail

}  // namespace asyncio
