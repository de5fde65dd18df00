// simulated.hpp: a network in memory, for tests: hosts, links that are slow, lossy or cut, and its
// own clock. It is a backend like any other; fds that are not its own go to epoll beside it.
// All chance comes from one seed, so the same program and the same seed give the same run, and the
// same trace_hash(). The friendly face is testing/network.hpp.
//
// Streams behave as TCP does on Linux: ordered, with a bounded window, refused by a RST,
// half-closed by a FIN, reset where bytes reach a closed socket. A lost segment comes 200 ms later.
// Not simulated: TIME_WAIT, urgent data, dual-stack sockets, fragmentation, routing.
#pragma once
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "asyncio/base/clock.hpp"
#include "asyncio/io/backend.hpp"

namespace asyncio::detail {

struct SimulatedWorld;  // io/internal/simulated_world.hpp

// How bytes go from one host to another, in each direction.
struct LinkQuality {
  Duration latency{0};
  Duration jitter{0};                  // up to this much more, by chance
  std::uint64_t bytes_per_second = 0;  // 0: no limit
  double loss = 0;                     // chance that a datagram is lost, or a segment comes late
  double duplication = 0;              // chance that a datagram comes twice
  double reset = 0;                    // chance that a segment resets its connection instead
};

struct SimulationOptions {
  std::uint64_t seed = 0;
  LinkQuality link = {};  // between hosts for which set_link() was not called
  // Bytes under way and unread in one direction of a stream, before send() takes no more.
  std::size_t window = std::size_t{64} * 1024;
  bool cuts_streams = false;    // bytes are taken and delivered in parts, cut by chance
  bool shuffles_ready = false;  // sockets that are ready at the same time come in any order
  std::size_t max_sockets = 0;  // then EMFILE; 0: no limit
  std::function<void()> before_pass = {};  // called where the loop looks for what has come
};

// Threads:  the loop's thread only. For one loop.
// Lifetime: shared by the loop and whoever controls it.
class SimulatedNetwork final : public TimeSource,
                               public std::enable_shared_from_this<SimulatedNetwork> {
 public:
  using Host = int;
  static constexpr Host kLocalhost = 0;  // where sockets are made unless somebody says otherwise

  explicit SimulatedNetwork(SimulationOptions options = {});
  SimulatedNetwork(const SimulatedNetwork&) = delete;
  SimulatedNetwork& operator=(const SimulatedNetwork&) = delete;
  ~SimulatedNetwork() override;

  // ---- hosts. The name is known to look_up(), as 10.0.0.n and fd00::n; each host has a loopback.
  Host add_host(const std::string& name);
  Host find_or_add_host(const std::string& name);
  std::string address_of(Host host) const;  // IPv4
  // Asked at each open_socket(): on which host.
  void set_current_host(std::function<Host()> current);

  // ---- links
  void set_link(Host from, Host to, LinkQuality quality);  // this direction
  void set_default_link(LinkQuality quality);
  // Nothing passes in either direction. Datagrams are lost; streams wait, and give up after 15
  // minutes (ETIMEDOUT), connects after two.
  void cut(Host one, Host other);
  void heal(Host one, Host other);
  void heal_all();
  // All streams between the two break with ECONNRESET, on both sides.
  void reset_streams(Host one, Host other);

  // ---- names. Besides those of hosts; numeric addresses, in the order of the answer.
  void add_name(const std::string& name, const std::vector<std::string>& addresses);
  // An EAI_ number; 0 to know the name again.
  void fail_look_up(const std::string& name, int error);
  void set_look_up_delay(Duration delay);  // how long each answer takes
  // Names that are no hosts: false (the default) says EAI_NONAME, true asks the system.
  void set_asks_system(bool asks) noexcept;

  // ---- what happened
  std::uint64_t trace_hash() const noexcept;
  bool is_quiet() noexcept;                   // nothing is under way
  std::uint64_t events() const noexcept;      // how many arrivals were simulated
  std::size_t open_sockets() const noexcept;  // listening, connected or fresh
  std::vector<std::string> describe_sockets() const;
  // Each event as a line, while it is set.
  void set_trace(std::function<void(const std::string&)> sink);

  // ---- TimeSource: jumps to whatever comes first, an arrival or the loop's timer
  TimePoint now() noexcept override;
  bool jump_to(TimePoint deadline) noexcept override;

  // For one loop. Keeps the network alive.
  std::unique_ptr<IoBackend> make_backend();

 private:
  std::unique_ptr<SimulatedWorld> world_;
};

// Not zero while this thread runs the simulation itself: what it allocates there is the kernel's
// affair, not that of the program under test.
extern constinit thread_local int tls_simulating;

// The network behind a backend that make_backend() made; null for any other.
SimulatedNetwork* simulated_network_of(IoBackend& backend) noexcept;

}  // namespace asyncio::detail
