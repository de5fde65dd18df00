// simulated_world.hpp: what a simulated network is made of: endpoints, sockets, and the arrivals
// that are still to come. The backend in simulated.cpp is the door to it.
#pragma once
#include <sys/socket.h>

#include <array>
#include <compare>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "asyncio/base/random.hpp"
#include "asyncio/io/simulated.hpp"

namespace asyncio::detail {

// A sockaddr that can be compared.
struct Endpoint {
  int family = 0;
  std::array<unsigned char, 16> ip{};  // the first four for IPv4
  std::uint16_t port = 0;
  std::string path;

  static Endpoint from(const SocketAddress& address);
  // A numeric host; family 0 where it is none.
  static Endpoint parse(const std::string& host);
  void write(SocketAddress& address) const;
  std::string host() const;  // numeric, or the path
  bool is_any() const noexcept;
  bool is_loopback() const noexcept;
  friend auto operator<=>(const Endpoint&, const Endpoint&) = default;
};

class SimulatingScope {
 public:
  explicit SimulatingScope(int depth = tls_simulating + 1) noexcept : outer_(tls_simulating) {
    tls_simulating = depth;
  }
  SimulatingScope(const SimulatingScope&) = delete;
  SimulatingScope& operator=(const SimulatingScope&) = delete;
  ~SimulatingScope() { tls_simulating = outer_; }

 private:
  int outer_;
};

struct SimulatedSocket;
using SocketPtr = std::shared_ptr<SimulatedSocket>;

// One end of a stream, a listener, or a datagram socket.
//
//   fresh --connect()--> connecting --arrive(accepted)--> connected --close()--> closed
//     |                      +-------arrive(refused)----> fresh, with an error
//     +----listen()---> listening, whose children begin as connected
struct SimulatedSocket {
  enum class State : std::uint8_t { fresh, listening, connecting, connected, closed };
  enum Signal : std::uint8_t { kReadable = 1, kWritable = 2, kHangup = 4, kFailed = 8 };
  struct Piece {
    std::string data;
    bool is_end;
  };

  State state = State::fresh;
  int fd = -1;  // of an accepted socket: once it is taken
  int id = 0;   // for traces; never reused
  SimulatedNetwork::Host host = 0;
  int type = 0;
  Endpoint name;
  Endpoint peer_name;
  bool is_bound = false;
  bool shares_port = false;
  int error = 0;  // reported once, by whoever asks first

  // ---- who is told
  FdWatcher* watcher = nullptr;
  bool wants_writable = false;
  bool level_readable = false;
  bool level_writable = false;
  bool is_queued = false;
  std::uint8_t signals = 0;

  // ---- a stream
  std::weak_ptr<SimulatedSocket> peer;
  SimulatedNetwork::Host peer_host = 0;
  std::string inbox;
  std::size_t inbox_begin = 0;
  std::size_t under_way = 0;                 // sent, and not in the peer's inbox yet
  std::uint64_t sent = 0;                    // pieces, the end included
  std::uint64_t arrived = 0;                 // pieces that came in order
  std::map<std::uint64_t, Piece> reordered;  // what overtook others
  bool is_blocked = false;                   // wants to hear when there is room
  bool end_received = false;
  bool end_sent = false;
  bool resets_on_close = false;  // SO_LINGER of no time
  bool is_broken = false;        // by a RST, or because the peer is silent for too long

  // ---- a listener
  std::deque<SocketPtr> waiting;  // to be accepted
  int backlog = 0;
  int handshakes = 0;

  // ---- a datagram socket
  std::deque<std::pair<Endpoint, std::string>> datagrams;
  std::size_t queued_bytes = 0;

  std::size_t unread() const noexcept { return inbox.size() - inbox_begin; }
  bool is_readable() const noexcept {
    return unread() > 0 || end_received || error != 0 || is_broken || !waiting.empty() ||
           !datagrams.empty();
  }
  bool is_stream() const noexcept { return type == SOCK_STREAM; }
  bool is_unix() const noexcept { return name.family == AF_UNIX; }
};

enum class Arrival : std::uint8_t {
  connect,      // a SYN at the listener's host
  accepted,     // its answer
  established,  // and the answer to that, at the listener
  refused,      // an error instead
  piece,        // bytes of a stream, or its end
  reset,
  room,  // the peer has read
  datagram,
  bounced,  // a datagram found nobody
  give_up,  // the time is over that TCP waits for an answer
};
const char* name_of(Arrival kind) noexcept;

struct Event {
  std::int64_t when = 0;
  std::uint64_t order = 0;
  Arrival kind = Arrival::piece;
  SimulatedNetwork::Host from_host = 0;
  SimulatedNetwork::Host to_host = 0;
  SocketPtr from = {};  // null where it is gone
  SocketPtr to = {};
  SocketPtr listener = {};    // established
  Endpoint source = {};       // datagram
  Endpoint destination = {};  // connect, datagram
  std::uint64_t number = 0;   // of a piece; the attempt of a connect; an errno of refused
  std::string data = {};
  bool is_end = false;

  bool later_than(const Event& other) const noexcept {
    return when != other.when ? when > other.when : order > other.order;
  }
};

struct SimulatedWorld {
  using Host = SimulatedNetwork::Host;
  using Link = std::pair<Host, Host>;

  explicit SimulatedWorld(SimulationOptions settings);
  SimulatedWorld(const SimulatedWorld&) = delete;
  SimulatedWorld& operator=(const SimulatedWorld&) = delete;
  ~SimulatedWorld() = default;

  // ---- hosts and links
  Host add_host(const std::string& name);
  Endpoint address_of(Host host, int family) const;
  // -1 where nobody has it. A loopback address is the asking host itself.
  Host host_of(const Endpoint& endpoint, Host asking) const;
  const LinkQuality& link(Host from, Host to) const;
  bool is_cut(Host one, Host other) const {
    return cuts.contains({std::min(one, other), std::max(one, other)});
  }
  void heal(const std::function<bool(const Link&)>& matches);

  // ---- sockets. Results are 0 or more, or -errno.
  SocketPtr make_socket(Host host, int family, int type);
  int give_number(const SocketPtr& socket);  // its fd; EMFILE
  SocketPtr find(int fd) const;
  int bind(const SocketPtr& socket, Endpoint name);
  void bind_to_any(const SocketPtr& socket, const Endpoint& towards);
  int listen(const SocketPtr& socket, int backlog);
  int connect(const SocketPtr& socket, const Endpoint& peer);
  void join(const SocketPtr& one, const SocketPtr& other);  // connected from now on
  std::int64_t send(const SocketPtr& socket, std::string_view data);
  std::int64_t receive(const SocketPtr& socket, char* data, std::size_t size);
  std::int64_t send_datagram(const SocketPtr& socket, std::string_view data, Endpoint to);
  int send_end(const SocketPtr& socket);
  void close(const SocketPtr& socket);
  void break_stream(const SocketPtr& socket, int error);

  // ---- time
  bool run_due();  // all that arrives up to now; false where nothing did
  // -1 where nothing is under way. Time limits that were met are no arrivals.
  std::int64_t next_arrival();

  std::string describe(const SimulatedSocket& socket) const;

  // ---- who is told
  void signal(const SocketPtr& socket, unsigned signals);
  bool tell();  // false where there was nothing to tell
  bool is_writable(const SimulatedSocket& socket) const noexcept;
  void record(const char* what, std::uint64_t one, std::uint64_t other, std::uint64_t size);

  // Data members come last, and are public: the world has no user but the files beside it.
  SimulationOptions options;
  Random random;
  bool leads_time = false;                  // the loop uses this clock
  std::int64_t now_ns = 3'600'000'000'000;  // an hour, so that times before the start exist
  std::vector<std::string> host_names;
  std::map<std::string, std::vector<Endpoint>> names;
  std::map<std::string, int> failing_names;
  std::int64_t look_up_delay_ns = 0;
  bool asks_system = false;
  std::function<Host()> current_host;
  std::map<Link, LinkQuality> links;
  std::map<Link, std::int64_t> busy_until;
  std::set<Link> cuts;             // the smaller host first
  std::vector<SocketPtr> sockets;  // by fd - kFirstSimulated
  std::vector<std::weak_ptr<SimulatedSocket>> bound;
  std::vector<Event> events;  // a heap, the first one to come at the front
  std::vector<Event> held;    // at a cut link
  std::vector<SocketPtr> ready;
  std::vector<SocketPtr> levels;  // watched for their level
  std::function<void(const std::string&)> trace;
  std::uint64_t hash = 0;
  std::uint64_t event_count = 0;

 private:
  std::uint64_t next_order_ = 0;
  int next_id_ = 0;
  std::uint16_t next_port_ = 49152;

  // At `delay` and the link's latency from now.
  void post(Event event, std::int64_t delay = 0);
  void post_over_link(Event event, std::size_t size);
  void post_piece(const SocketPtr& from, std::string data, bool is_end);
  void push(Event event);
  void run(Event& event);
  void hold(Event event);
  static bool is_over(const Event& event) noexcept;

  void arrive_connect(Event& event);
  void arrive_accepted(Event& event);
  void arrive_established(Event& event);
  void arrive_refused(Event& event);
  void arrive_piece(Event& event);
  void arrive_datagram(Event& event);
  void arrive_room(Event& event);
  void give_up(const Event& event);

  void retry_connect(Event& event);
  void refuse(const Event& event, int error);
  void post_reset(Host from_host, const SocketPtr& to);
  void take_pieces(const SocketPtr& socket);
  SocketPtr find_bound(Host host, const Endpoint& name, int type);
  std::size_t room(const SimulatedSocket& socket) const noexcept;
  bool is_taken(const SimulatedSocket& socket, const Endpoint& name) const;
};

}  // namespace asyncio::detail
