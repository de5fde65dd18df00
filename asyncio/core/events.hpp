// events.hpp: Loop, Handle, TimerHandle. Source: docs.python.org/3/library/asyncio-eventloop.html
// The hot state and the order of a pass are in scheduler.hpp; sockets, processes and threads add
// their members in net/, os/ and sync/threads.hpp.
#pragma once
#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "asyncio/core/tasks.hpp"

namespace asyncio {

// How the loop talks to the kernel. What is observable is the same. `automatic` is the one that our
// measurements favour, and epoll where io_uring is asked for and the kernel forbids it (the log
// says so, once). The environment's ASYNCIO_BACKEND=epoll|io_uring comes before what the program
// chooses.
enum class Backend { automatic, epoll, io_uring };

struct LoopOptions {
  Backend backend = Backend::automatic;
  bool debug = false;
  bool measures_steps = false;  // see Loop::measure_steps()
  // While handles keep coming, look at the kernel after so many of them, at the end of a pass; 1 is
  // CPython's order to the letter. A look costs 200 ns, a handle may cost 3: where they are that
  // cheap, it comes every 10 us at most. Due timers are looked at on every pass in any case.
  unsigned poll_interval = 128;
  // Replaces the clock; the loop shares it. For tests.
  std::shared_ptr<detail::TimeSource> time_source = {};
  // Replaces the backend (Python: a custom selector or loop).
  std::function<std::unique_ptr<detail::IoBackend>()> make_backend = {};
};

// What a loop did so far; Loop::stats().
struct LoopStats {
  std::size_t tasks = 0;   // not done
  std::size_t ready = 0;   // callbacks and tasks in the queue
  std::size_t timers = 0;  // pending
  std::uint64_t passes = 0;
  Duration busy{0};  // CPU time of the loop's thread
  // How often it tried each, in vain included. Reads and writes: of pipes and files. Files: other
  // calls on files and folders.
  struct Operations {
    std::uint64_t waits = 0, receives = 0, sends = 0, accepts = 0, connects = 0;
    std::uint64_t reads = 0, writes = 0, spawns = 0, files = 0;
  };
  Operations operations = {};
  // Element i: how many took 2^i nanoseconds or more, but less than twice that.
  using Histogram = std::array<std::uint64_t, 32>;
  // Counted in debug mode and while Loop::measure_steps() is on. A pass is how long what has become
  // ready waits at most: the latency of the loop.
  Duration slowest_step{0};
  Histogram steps{};
  Duration slowest_pass{0};
  Histogram latency{};  // of passes
  // So many of all took no longer: 0.99 of the latency is its 99th percentile. To a power of two,
  // rounded up; 0 where nothing was counted.
  static Duration quantile(const Histogram& times, double share) noexcept;
};

namespace detail {

// A callback with its context: in the ready queue, or among the timers first.
class CallbackBlock : public TimerNode, public Pooled {
 public:
  CallbackBlock(Scheduler& owner, bool shared) noexcept
      : scheduler(&owner), next_posted(nullptr), crosses_threads(shared) {}
  CallbackBlock(const CallbackBlock&) = delete;
  CallbackBlock& operator=(const CallbackBlock&) = delete;

  void run() final;
  void notify() noexcept final { scheduler->push_ready(*this); }
  bool cancel_wait(const std::string&) final { return false; }
  void cancel() noexcept;

  void add_reference() noexcept {
    if (crosses_threads)
      references_.fetch_add(1, std::memory_order_relaxed);
    else
      references_.store(references_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
  }
  void drop_reference() noexcept {
    // acquire, and acq_rel: the last owner sees what the others did to the block. The only owner
    // need not lock the bus (saves 5 ns).
    const std::uint32_t references = references_.load(std::memory_order_acquire);
    if (references == 1)
      delete this;
    else if (!crosses_threads)
      references_.store(references - 1, std::memory_order_relaxed);
    else if (references_.fetch_sub(1, std::memory_order_acq_rel) == 1)
      delete this;
  }

  // The loop holds a reference from now on, until it has run. No other thread knows the block yet.
  void keep_for_loop() noexcept {
    references_.store(references_.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    queued = true;
  }

  Scheduler* scheduler;
  union {
    CallbackBlock* next_posted;  // of one that crosses threads
    TimePoint when;              // of a timer
  };
  CallbackContext context;
  std::atomic<bool> cancelled{false};
  bool queued = false;  // the loop holds a reference
  const bool crosses_threads;

 protected:
  virtual ~CallbackBlock() = default;
  virtual void call() = 0;
  virtual void drop_function() noexcept = 0;
  bool has_function_ = false;  // drop_function() has something to do

 private:
  std::atomic<std::uint32_t> references_{1};
};

template <class F>
class TypedCallback final : public CallbackBlock {
 public:
  TypedCallback(Scheduler& owner, bool shared, F function)
      : CallbackBlock(owner, shared), function_(std::move(function)) {
    has_function_ = !std::is_trivially_destructible_v<F>;
  }
  ~TypedCallback() override { TypedCallback::drop_function(); }

 private:
  void call() override { function_(); }
  void drop_function() noexcept override {
    if (std::exchange(has_function_, false)) function_.~F();
  }
  union {
    F function_;
  };
};

struct LoopServices;  // executor, signals, exception handler: what is not hot

}  // namespace detail

// A callback that was scheduled; a shared handle.
class Handle {
 public:
  Handle() noexcept = default;
  explicit Handle(detail::StatePtr<detail::CallbackBlock> block) noexcept
      : block_(std::move(block)) {}
  // The callback will not run. No effect on one that has run or was cancelled.
  void cancel() const noexcept {
    if (block_) block_->cancel();
  }
  bool cancelled() const noexcept {
    return block_ && block_->cancelled.load(std::memory_order_relaxed);
  }
  // The very one the callback runs in. For the loop's thread.
  Context get_context() const { return block_ ? block_->context.get() : Context(); }
  explicit operator bool() const noexcept { return static_cast<bool>(block_); }
  std::string repr() const;

 protected:
  detail::StatePtr<detail::CallbackBlock> block_;
};

class TimerHandle : public Handle {
 public:
  using Handle::Handle;
  TimePoint when() const noexcept { return block_ ? block_->when : TimePoint{}; }
};

// What the exception handler gets. Absent parts are empty.
struct ExceptionContext {
  std::string message;
  std::exception_ptr exception = {};
  std::optional<AnyTask> task = {};
  std::optional<Handle> handle = {};
};

class ThreadPoolExecutor;
class Address;
class Resolver;
class Server;
class Protocol;
class Transport;
class DatagramTransport;
struct ServerOptions;
struct ConnectOptions;
struct DatagramOptions;
class ReadTransport;
class WriteTransport;
class SubprocessTransport;
struct ProcessOptions;
struct AddressInfo;
struct AddressInfoOptions;
struct StartTlsOptions;
namespace ssl {
class Context;
}
class Loop;

using ExceptionHandler = std::function<void(Loop&, const ExceptionContext&)>;

enum class TaskFactory { standard, eager };
// Tasks of a loop with this factory run to their first suspension inside create_task().
inline constexpr TaskFactory eager_task_factory = TaskFactory::eager;

// One event loop: runs callbacks and tasks on one thread.
// All members are for that thread, except call_soon_threadsafe and wake.
class Loop {
 public:
  // Throws OSError where the kernel refuses its file descriptors, ValueError where ASYNCIO_BACKEND
  // names no backend.
  explicit Loop(LoopOptions options = {});
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;
  ~Loop();  // close(); pending tasks are named in the log and their frames destroyed

  // ---- callbacks: fn() in the next pass; after a delay; at a time. All throw
  // RuntimeError("Event loop is closed") after close().
  template <std::invocable F>
  Handle call_soon(F function, CallbackOptions options = {}) {
    check_usable();
    BlockPtr block = make_callback(std::move(function), false);
    block->context.enter(options.context);
    block->keep_for_loop();
    state_->push_ready(*block);
    return Handle(std::move(block));
  }
  template <std::invocable F>
  Handle call_soon_threadsafe(F function, CallbackOptions options = {}) {
    return Handle(post(make_callback(std::move(function), true), options));
  }
  template <std::invocable F>
  TimerHandle call_later(Duration delay, F function, CallbackOptions options = {}) {
    return call_at(time() + delay, std::move(function), std::move(options));
  }
  template <std::invocable F>
  TimerHandle call_at(TimePoint when, F function, CallbackOptions options = {}) {
    check_usable();
    BlockPtr block = make_callback(std::move(function), false);
    block->context.enter(options.context);
    block->when = when;
    state_->arm(*block, when);
    block->keep_for_loop();
    return TimerHandle(std::move(block));
  }
  TimePoint time() const noexcept { return state_->now(); }  // monotonic, nanoseconds

  // ---- running. Throws RuntimeError where it is closed or this thread runs a loop already.
  void run_forever();
  // Runs until the future is done and returns its result or throws its exception.
  // Throws RuntimeError("Event loop stopped before Future completed.") after stop().
  template <class T>
  T run_until_complete(Task<T> task) {
    run_until_done(task.base(), false);
    task.base().throw_unless_result();
    return task.state()->take_value(true);
  }
  template <class T>
  T run_until_complete(Future<T> future) {
    run_until_done(*future.state(), false);
    future.state()->throw_unless_result();
    return future.state()->take_value(false);
  }
  template <class T>
  T run_until_complete(Coro<T> main) {
    check_can_run();
    Task<T> task = create_task(std::move(main));
    run_until_done(task.base(), true);
    task.base().throw_unless_result();
    return task.state()->take_value(true);
  }
  template <Awaitable A>
    requires(!detail::is_coro<std::remove_cvref_t<A>>)
  await_result_t<A> run_until_complete(A&& awaitable) {
    return run_until_complete(detail::as_coroutine(std::forward<A>(awaitable)));
  }
  void stop() noexcept { state_->stopping = true; }  // after the current pass
  bool is_running() const noexcept { return state_->running; }
  bool is_closed() const noexcept { return state_->closed; }
  // Drops queued callbacks and frees the backend. Throws RuntimeError while running.
  void close();

  // ---- making things
  template <class T = void>
  Future<T> create_future() {
    return Future<T>(*this);
  }
  template <Awaitable A>
    requires(!std::is_lvalue_reference_v<A>)
  Task<await_result_t<A>> create_task(A&& awaitable, TaskOptions options = {}) {
    check_usable();
    return detail::spawn(*state_, detail::as_coroutine(std::forward<A>(awaitable)), options);
  }
  template <class F, class... Args>
    requires(std::invocable<F, Args...> && !Awaitable<F>)
  Task<await_result_t<std::invoke_result_t<F, Args...>>> create_task(F function, Args... args) {
    check_usable();
    return detail::spawn_call(*state_, std::move(function), std::move(args)...);
  }
  void set_task_factory(TaskFactory factory) noexcept;
  void set_task_factory(std::nullptr_t) noexcept { set_task_factory(TaskFactory::standard); }
  TaskFactory get_task_factory() const noexcept;

  // ---- errors nobody awaits. An empty handler restores the default, which logs.
  void set_exception_handler(ExceptionHandler handler);
  ExceptionHandler get_exception_handler() const;
  void call_exception_handler(const ExceptionContext& context) noexcept;
  void default_exception_handler(const ExceptionContext& context);

  // ---- debug
  void set_debug(bool enabled) noexcept;
  bool get_debug() const noexcept { return state_->debug; }
  void set_slow_callback_duration(Duration threshold) noexcept {
    state_->slow_callback = threshold;
  }
  Duration slow_callback_duration() const noexcept { return state_->slow_callback; }

  // Counts how long steps and passes take, for stats(). Costs two clock reads a step while it is
  // on, and nothing while it is off. `asyncio top` does the same from outside while it looks.
  void measure_steps(bool enabled) noexcept;
  bool measures_steps() const noexcept { return state_->measures; }

  // Counts what there is, so it takes the longer the more is ready.
  LoopStats stats() const noexcept;

  // ---- threads (sync/threads.hpp). Starts at once; the future is cancelled with its awaiter.
  template <std::invocable F>
  Future<std::invoke_result_t<F&>> run_in_executor(ThreadPoolExecutor& executor, F function);
  template <std::invocable F>
  Future<std::invoke_result_t<F&>> run_in_executor(F function);  // the default executor
  void set_default_executor(std::shared_ptr<ThreadPoolExecutor> executor);
  ThreadPoolExecutor& default_executor();
  // Waits for the threads of the default executor; nothing can be submitted afterwards.
  Coro<> shutdown_default_executor(std::optional<Duration> timeout = {});
  Coro<> shutdown_asyncgens();  // closes suspended generators

  // ---- signals. The callback runs in the loop like any other, once per delivered signal.
  // Throws ValueError for a bad number, RuntimeError for one that cannot be caught.
  void add_signal_handler(int signal, std::function<void()> callback);
  bool remove_signal_handler(int signal);

  // ---- readiness of a file descriptor, level-triggered
  void add_reader(int fd, std::function<void()> callback);
  bool remove_reader(int fd);
  void add_writer(int fd, std::function<void()> callback);
  bool remove_writer(int fd);

  // ---- network (net/servers.hpp, net/datagrams.hpp). factory() gives a
  // std::shared_ptr<Protocol>, a new one for each connection.
  template <class Factory>
  Coro<Server> create_server(Factory factory, std::string host, int port);
  template <class Factory>
  Coro<Server> create_server(Factory factory, std::string host, int port, ServerOptions options);
  template <class Factory>
  Coro<Server> create_server(Factory factory, ServerOptions options);  // with .sock
  template <class Factory>
  Coro<Server> create_unix_server(Factory factory, std::string path);
  template <class Factory>
  Coro<Server> create_unix_server(Factory factory, std::string path, ServerOptions options);
  // (transport, protocol) of one connection.
  template <class Factory>
  using TransportAndProtocol =
      std::pair<std::shared_ptr<Transport>, std::invoke_result_t<Factory&>>;
  template <class Factory>
  Coro<TransportAndProtocol<Factory>> create_connection(Factory factory, std::string host,
                                                        int port);
  template <class Factory>
  Coro<TransportAndProtocol<Factory>> create_connection(Factory factory, std::string host, int port,
                                                        ConnectOptions options);
  template <class Factory>
  Coro<TransportAndProtocol<Factory>> create_connection(Factory factory, ConnectOptions options);
  template <class Factory>
  Coro<TransportAndProtocol<Factory>> create_unix_connection(Factory factory, std::string path);
  template <class Factory>
  Coro<TransportAndProtocol<Factory>> create_unix_connection(Factory factory, std::string path,
                                                             ConnectOptions options);
  template <class Factory>  // by options.sock
  Coro<TransportAndProtocol<Factory>> create_unix_connection(Factory factory,
                                                             ConnectOptions options);
  // Takes over a socket that was accepted elsewhere.
  template <class Factory>
  Coro<TransportAndProtocol<Factory>> connect_accepted_socket(Factory factory, int fd);
  template <class Factory>  // as a server does: with .ssl, .limit and the like
  Coro<TransportAndProtocol<Factory>> connect_accepted_socket(Factory factory, int fd,
                                                              ServerOptions options);
  // The transport of the TLS connection; `transport` must not be used any more. The protocol
  // hears of no second connection. Throws SslError, ConnectionAbortedError after the timeout.
  Coro<std::shared_ptr<Transport>> start_tls(std::shared_ptr<Transport> transport,
                                             std::shared_ptr<Protocol> protocol,
                                             ssl::Context sslcontext);
  Coro<std::shared_ptr<Transport>> start_tls(std::shared_ptr<Transport> transport,
                                             std::shared_ptr<Protocol> protocol,
                                             ssl::Context sslcontext, StartTlsOptions options);
  template <class Factory>
  Coro<std::pair<std::shared_ptr<DatagramTransport>, std::invoke_result_t<Factory&>>>
  create_datagram_endpoint(Factory factory, DatagramOptions options);

  // ---- sockets that the caller owns and has made non-blocking (net/sockets.hpp). Throw OSError.
  Coro<std::string> sock_recv(int fd, std::size_t size);  // empty at the end
  Coro<std::size_t> sock_recv_into(int fd, char* data, std::size_t size);
  Coro<> sock_sendall(int fd, std::string data);
  Coro<> sock_connect(int fd, Address peer);
  Coro<std::pair<int, Address>> sock_accept(int fd);  // the new fd is the caller's
  Coro<std::pair<std::string, Address>> sock_recvfrom(int fd, std::size_t size);
  Coro<std::pair<std::size_t, Address>> sock_recvfrom_into(int fd, char* data, std::size_t size);
  Coro<std::size_t> sock_sendto(int fd, std::string data, Address to);

  // ---- pipes (os/pipes.hpp). Take the fd over. factory() gives a std::shared_ptr<Protocol>.
  template <class Factory>
  Coro<std::pair<std::shared_ptr<ReadTransport>, std::invoke_result_t<Factory&>>> connect_read_pipe(
      Factory factory, int fd);
  template <class Factory>
  Coro<std::pair<std::shared_ptr<WriteTransport>, std::invoke_result_t<Factory&>>>
  connect_write_pipe(Factory factory, int fd);

  // ---- programs (os/subprocess.hpp). factory() gives a std::shared_ptr<SubprocessProtocol>.
  // Without options all three streams are pipes, as in Python.
  template <class Factory>
  using SubprocessAndProtocol =
      std::pair<std::shared_ptr<SubprocessTransport>, std::invoke_result_t<Factory&>>;
  template <class Factory>
  Coro<SubprocessAndProtocol<Factory>> subprocess_exec(Factory factory,
                                                       std::vector<std::string> argv);
  template <class Factory>
  Coro<SubprocessAndProtocol<Factory>> subprocess_exec(Factory factory,
                                                       std::vector<std::string> argv,
                                                       ProcessOptions options);
  template <class Factory>
  Coro<SubprocessAndProtocol<Factory>> subprocess_shell(Factory factory, std::string command);
  template <class Factory>
  Coro<SubprocessAndProtocol<Factory>> subprocess_shell(Factory factory, std::string command,
                                                        ProcessOptions options);
  // ---- names (net/dns.hpp). Throw GaiError.
  Coro<std::vector<AddressInfo>> getaddrinfo(std::string host, int port);
  Coro<std::vector<AddressInfo>> getaddrinfo(std::string host, int port,
                                             AddressInfoOptions options);
  Coro<std::vector<AddressInfo>> getaddrinfo(std::string host, std::string service,
                                             AddressInfoOptions options);
  // (host, service); `flags` are NI_* of <netdb.h>. The host is numeric where it has no name.
  Coro<std::pair<std::string, std::string>> getnameinfo(Address address, int flags = 0);
  // Null restores the standard one, which is made when it is needed first.
  void set_default_resolver(std::shared_ptr<Resolver> resolver);
  std::shared_ptr<Resolver> default_resolver();

  detail::Scheduler& scheduler() const noexcept { return *state_; }
  detail::IoBackend& backend() const noexcept { return *backend_; }
  detail::LoopServices& services() const noexcept { return *services_; }
  std::string repr() const;

 private:
  friend class Runner;
  using BlockPtr = detail::StatePtr<detail::CallbackBlock>;

  template <class F>
  BlockPtr make_callback(F function, bool shared) {
    return BlockPtr(new detail::TypedCallback<F>(*state_, shared, std::move(function)));
  }
  BlockPtr post(BlockPtr block, CallbackOptions& options);
  // Open, and in debug mode: this is the loop's thread.
  void check_usable() const {
    if (state_->closed || state_->debug) [[unlikely]]
      check_carefully();
  }
  void check_carefully() const;
  void check_open() const;
  void check_can_run() const;
  void run_until_done(detail::FutureBase& future, bool own_task);
  void abandon_tasks() noexcept;
  void drop_callbacks() noexcept;

  detail::Scheduler* state_;
  std::unique_ptr<detail::IoBackend> backend_;
  std::shared_ptr<detail::TimeSource> time_source_;
  std::unique_ptr<detail::LoopServices> services_;
};

Loop& get_running_loop();            // throws RuntimeError("no running event loop")
Loop* find_running_loop() noexcept;  // null where there is none (Python: _get_running_loop)

template <class T>
Future<T>::Future(Loop& loop) : state_(new State(&loop.scheduler())) {}

}  // namespace asyncio
