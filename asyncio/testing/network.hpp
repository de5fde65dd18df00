// network.hpp: the simulated network of a test: hosts, links that are slow, lossy or cut, names.
//
//   ASYNCIO_TEST(Client, goes_on_after_a_partition) {
//     testing::Network network;
//     testing::Host alpha = network.host("alpha"), beta = network.host("beta");
//     network.set_link(alpha, beta, {.latency = 20ms, .loss = 0.01});
//     auto server = co_await beta.run(asyncio::start_server(handle, "0.0.0.0", 80));
//     auto client = alpha.create_task(talk_to("beta", 80));
//     network.partition(alpha, beta);
//     co_await asyncio::sleep(10s);
//     network.heal();
//     ...
//
// Code under test uses open_connection() and the rest as ever; names of hosts resolve. Streams and
// datagrams behave as asyncio/io/simulated.hpp says.
#pragma once
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "asyncio/core/context.hpp"
#include "asyncio/core/tasks.hpp"
#include "asyncio/io/simulated.hpp"

namespace asyncio::testing {

using asyncio::detail::LinkQuality;

// A machine of the simulated network; a light handle. What is not run on a host is on "localhost".
class Host {
 public:
  // Sockets that are made in this scope stand on the host; also across awaits, for this task and
  // the tasks that it creates.
  class [[nodiscard]] Scope {
   public:
    explicit Scope(int index);
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;
    ~Scope();

   private:
    ContextVar<int>::Token token_;
  };

  const std::string& name() const noexcept { return name_; }
  const std::string& address() const noexcept { return address_; }  // IPv4
  Scope enter() const { return Scope(index_); }
  template <Awaitable A>
  ASYNCIO_CORO_COPIES Coro<await_result_t<A>> run(A awaitable) const {
    return run_on(index_, std::move(awaitable));
  }
  // As asyncio::create_task(); the task runs on this host.
  template <class... Arguments>
  auto create_task(Arguments&&... arguments) const {
    const Scope here(index_);
    return asyncio::create_task(std::forward<Arguments>(arguments)...);
  }

 private:
  friend class Network;
  Host(int index, std::string name, std::string address)
      : index_(index), name_(std::move(name)), address_(std::move(address)) {}
  template <class A>
  static Coro<await_result_t<A>> run_on(int index, A awaitable) {
    const Scope here(index);
    co_return co_await std::move(awaitable);
  }

  int index_;
  std::string name_;
  std::string address_;
};

// The controls of the running test's network; a light handle.
//
// Threads:  the loop's thread only.
// Lifetime: within the test.
class Network {
 public:
  Network();  // throws RuntimeError where the running loop has no simulated network

  Host host(const std::string& name);  // found by its name, or made
  Host localhost();

  // Between all hosts that have no link of their own; then between two, in both directions.
  void set_link(LinkQuality quality);
  void set_link(const Host& one, const Host& other, LinkQuality quality);
  void set_one_way(const Host& from, const Host& to, LinkQuality quality);
  // Nothing passes between the two, or between the groups, until heal().
  void partition(const Host& one, const Host& other);
  void partition(const std::vector<Host>& ones, const std::vector<Host>& others);
  void heal();
  void heal(const Host& one, const Host& other);
  // The streams between them break: ConnectionResetError on both sides.
  void reset(const Host& one, const Host& other);

  // ---- DNS: further names, failures (an EAI_ number; 0 ends it), how long an answer takes
  void add_name(const std::string& name, const std::vector<std::string>& addresses);
  void fail_name(const std::string& name, int error);
  void set_name_delay(Duration delay);

  // The same seed and the same test give the same number.
  std::uint64_t trace_hash() const noexcept;
  // Each event of the network as a line.
  void set_trace(std::function<void(const std::string&)> sink);

 private:
  asyncio::detail::SimulatedNetwork* network_;
};

}  // namespace asyncio::testing
