#include "asyncio/net/internal/dns_channel.hpp"

#include <ares.h>
#include <netdb.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <mutex>
#include <sstream>
#include <utility>

#include "asyncio/base/errors.hpp"
#include "asyncio/io/backend.hpp"

namespace asyncio::detail {
namespace {

constexpr int kDefaultTimeoutMs = 5000;
constexpr int kDefaultAttempts = 2;

// The words of resolv.conf(5) that c-ares 1.18 does not know.
struct FileOptions {
  int timeout_ms = kDefaultTimeoutMs;
  int attempts = kDefaultAttempts;
};

FileOptions read_options(const std::string& path) {
  constexpr std::string_view kTimeout = "timeout:";
  constexpr std::string_view kAttempts = "attempts:";
  FileOptions options;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    std::istringstream words(line);
    std::string word;
    if (!(words >> word) || word != "options") continue;
    while (words >> word) {  // the system's limits
      if (word.starts_with(kTimeout))
        options.timeout_ms = std::clamp(std::atoi(word.c_str() + kTimeout.size()), 1, 30) * 1000;
      else if (word.starts_with(kAttempts))
        options.attempts = std::clamp(std::atoi(word.c_str() + kAttempts.size()), 1, 5);
    }
  }
  return options;
}

int to_milliseconds(Duration duration) noexcept {
  const auto ms = std::chrono::ceil<std::chrono::milliseconds>(duration).count();
  return static_cast<int>(std::clamp<std::int64_t>(ms, 1, 3'600'000));
}

std::string in_one_line(const std::vector<std::string>& words, const char* between) {
  std::string all;
  for (const std::string& each : words) all += (all.empty() ? "" : between) + each;
  return all;
}

void set_up_library() {
  static std::once_flag once;
  std::call_once(once, [] { ares_library_init(ARES_LIB_INIT_ALL); });
}

int system_family(Address::Family family) noexcept {
  if (family == Address::Family::ipv4) return AF_INET;
  return family == Address::Family::ipv6 ? AF_INET6 : AF_UNSPEC;
}

Address from_sockaddr(const void* bytes, std::size_t length) {
  SocketAddress system;
  system.length = static_cast<unsigned>(std::min<std::size_t>(length, SocketAddress::kCapacity));
  std::memcpy(system.bytes, bytes, system.length);
  return Address::from_system(system);
}

// c-ares goes on to the next server where one declines, and forgets why. These are the codes, and
// the statuses that they would be.
int status_of_refusal(int code) noexcept {
  switch (code) {
    case 2:
      return ARES_ESERVFAIL;
    case 4:
      return ARES_ENOTIMP;
    case 5:
      return ARES_EREFUSED;
    default:
      return 0;
  }
}

// The code of a reply of a server (RFC 1035, 4.1.1); -1 where the bytes are none.
int code_of_reply(const void* data, std::int64_t size) noexcept {
  constexpr std::int64_t kHeaderSize = 12;
  const auto* const bytes = static_cast<const unsigned char*>(data);
  if (size < kHeaderSize || (bytes[2] & 0x80U) == 0) return -1;
  return bytes[3] & 0x0F;
}

}  // namespace

// One socket of c-ares. Level-triggered: c-ares may leave bytes for the next time.
class DnsChannel::Socket final : public FdWatcher {
 public:
  Socket(DnsChannel& owner, int fd) noexcept
      : owner_(owner), backend_(owner.scheduler_.backend), fd_(fd) {}
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  ~Socket() {
    if (backend_ != nullptr) backend_->forget(fd_);
  }

  int fd() const noexcept { return fd_; }
  void want(bool readable, bool writable) {
    if (backend_ != nullptr) backend_->watch_level(fd_, *this, readable, writable);
  }
  bool take_readable() noexcept { return std::exchange(readable_, false); }
  bool take_writable() noexcept { return std::exchange(writable_, false); }

  void on_ready(bool readable, bool writable) noexcept override {
    readable_ = readable_ || readable;
    writable_ = writable_ || writable;
    owner_.socket_is_ready();
  }
  void on_backend_closed() noexcept override { backend_ = nullptr; }

 private:
  DnsChannel& owner_;
  IoBackend* backend_;
  int fd_;
  bool readable_ = false;
  bool writable_ = false;
};

DnsChannel::DnsChannel(Loop& loop, const ResolverOptions& options)
    : scheduler_(loop.scheduler()), loop_(loop), done_(loop) {
  set_up_library();
  const FileOptions file = read_options(options.resolv_conf);
  ares_options system{};
  system.flags = options.tcp ? ARES_FLAG_USEVC : 0;
  system.timeout =
      options.timeout > Duration::zero() ? to_milliseconds(options.timeout) : file.timeout_ms;
  system.tries = options.attempts > 0 ? options.attempts : file.attempts;
  char servers_only[] = "b";  // the hosts file is ours to read
  system.lookups = servers_only;
  system.sock_state_cb = &DnsChannel::on_socket_state;
  system.sock_state_cb_data = this;
  std::string resolv_conf = options.resolv_conf;
  system.resolvconf_path = resolv_conf.data();
  int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS |
             ARES_OPT_SOCK_STATE_CB | ARES_OPT_RESOLVCONF;
  if (options.ndots) {
    system.ndots = *options.ndots;
    mask |= ARES_OPT_NDOTS;
  }
  std::vector<std::string> domains = options.search.value_or(std::vector<std::string>{});
  std::vector<char*> domain_names;
  if (options.search) {
    for (std::string& each : domains) domain_names.push_back(each.data());
    system.domains = domain_names.data();
    system.ndomains = static_cast<int>(domain_names.size());
    mask |= ARES_OPT_DOMAINS;
  }
  const int status = ares_init_options(&channel_, &system, mask);
  if (status != ARES_SUCCESS)
    throw OSError(EIO, ErrorText{std::string("c-ares: ") + ares_strerror(status)}, "ares_init");
  if (!options.servers.empty()) {
    const std::string servers = in_one_line(options.servers, ",");
    if (ares_set_servers_ports_csv(channel_, servers.c_str()) != ARES_SUCCESS) {
      ares_destroy(channel_);
      throw ValueError("not a list of name servers: " + servers +
                       "\n  instead: numeric addresses, such as 10.0.0.1 or [fd00::1]:53");
    }
  }
  set_socket_functions();
  scheduler_.add_reference();
}

// The plain system calls, with sockets that neither block nor leak into children, and a look at
// what the servers say.
void DnsChannel::set_socket_functions() {
  static const ares_socket_functions functions{
      [](int family, int type, int protocol, void*) {
        return ::socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol);
      },
      [](int fd, void*) { return ::close(fd); },
      [](int fd, const sockaddr* peer, ares_socklen_t length, void*) {
        return ::connect(fd, peer, length);
      },
      [](int fd, void* data, std::size_t size, int flags, sockaddr* from, ares_socklen_t* length,
         void* self) -> ares_ssize_t { return receive(fd, data, size, flags, from, length, self); },
      [](int fd, const iovec* parts, int count, void*) -> ares_ssize_t {
        msghdr message{};
        message.msg_iov = const_cast<iovec*>(parts);  // sendmsg(2) only reads them
        message.msg_iovlen = static_cast<std::size_t>(count);
        const ssize_t sent = ::sendmsg(fd, &message, MSG_NOSIGNAL);
        if (sent >= 0 || errno != ECONNREFUSED) return sent;
        // What an earlier datagram came back with. Ours will come back, too, and then end both.
        return ::sendmsg(fd, &message, MSG_NOSIGNAL);
      }};
  ares_set_socket_functions(channel_, &functions, this);
}

std::int64_t DnsChannel::receive(int fd, void* data, std::size_t size, int flags, void* from,
                                 unsigned* length, void* self) {
  const ssize_t got = ::recvfrom(fd, data, size, flags, static_cast<sockaddr*>(from), length);
  const int code = code_of_reply(data, got);
  if (status_of_refusal(code) != 0) static_cast<DnsChannel*>(self)->refusal_ = code;
  return got;
}

DnsChannel::~DnsChannel() {
  busy_ = false;  // the callbacks that come now interest nobody
  ares_destroy(channel_);
  sockets_.clear();
  scheduler_.disarm(*this);
  if (Node::is_linked()) Node::unlink();
  scheduler_.drop_reference();
}

std::string DnsChannel::servers() const {
  ares_addr_port_node* first = nullptr;
  std::string all;
  if (ares_get_servers_ports(channel_, &first) != ARES_SUCCESS) return all;
  for (const ares_addr_port_node* each = first; each != nullptr; each = each->next) {
    char text[INET6_ADDRSTRLEN] = "";
    ares_inet_ntop(each->family, &each->addr, text, sizeof text);
    const std::string host = each->family == AF_INET6 ? "[" + std::string(text) + "]" : text;
    const int port = each->udp_port != 0 ? each->udp_port : 53;
    all += (all.empty() ? "" : ", ") + host + ":" + std::to_string(port);
  }
  ares_free_data(first);
  return all;
}

// ---- lookups

Future<> DnsChannel::begin() {
  result_ = {};
  refusal_ = 0;
  done_ = Future<>(loop_);
  done_.state()->set_purpose(FuturePurpose::look_up);
  busy_ = true;
  return done_;
}

Future<> DnsChannel::look_up(const std::string& host, Address::Family family) {
  Future<> done = begin();
  ares_addrinfo_hints hints{};
  hints.ai_family = system_family(family);
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = ARES_AI_CANONNAME;
  ares_getaddrinfo(channel_, host.c_str(), nullptr, &hints, &DnsChannel::on_addresses, this);
  settle();
  return done;
}

Future<> DnsChannel::look_up_name(const Address& address) {
  Future<> done = begin();
  const SocketAddress system = address.to_system();
  const bool is_ipv6 = address.family() == Address::Family::ipv6;
  const std::size_t place = is_ipv6 ? 8 : 4;  // where the sockaddr has the address itself
  ares_gethostbyaddr(channel_, system.bytes + place, is_ipv6 ? 16 : 4, is_ipv6 ? AF_INET6 : AF_INET,
                     &DnsChannel::on_name, this);
  settle();
  return done;
}

void DnsChannel::cancel() noexcept {
  if (!std::exchange(busy_, false)) return;
  ares_cancel(channel_);
  settle();
}

void DnsChannel::on_addresses(void* self, int status, int, ares_addrinfo* found) {
  auto& channel = *static_cast<DnsChannel*>(self);
  const std::unique_ptr<ares_addrinfo, void (*)(ares_addrinfo*)> owner(found, ares_freeaddrinfo);
  if (!channel.busy_) return;
  Resolver::Answer& answer = channel.result_.answer;
  if (status == ARES_SUCCESS) {
    for (const ares_addrinfo_node* each = found->nodes; each != nullptr; each = each->ai_next) {
      Address address = from_sockaddr(each->ai_addr, each->ai_addrlen);
      if (std::find(answer.addresses.begin(), answer.addresses.end(), address) ==
          answer.addresses.end())
        answer.addresses.push_back(std::move(address));
    }
    if (found->name != nullptr) answer.canonical_name = found->name;
    // Each record leads from an alias to its name; the last one is the end of the chain.
    for (const ares_addrinfo_cname* each = found->cnames; each != nullptr; each = each->next)
      answer.canonical_name = each->name;
    if (answer.addresses.empty()) status = ARES_ENODATA;
  }
  channel.end(status);
}

void DnsChannel::on_name(void* self, int status, int, hostent* found) {
  auto& channel = *static_cast<DnsChannel*>(self);
  if (!channel.busy_) return;
  if (status == ARES_SUCCESS) channel.result_.answer.canonical_name = found->h_name;
  channel.end(status);
}

void DnsChannel::end(int status) noexcept {
  busy_ = false;
  if (status == ARES_ECONNREFUSED && refusal_ != 0) status = status_of_refusal(refusal_);
  result_.status = status;
  if (!done_.done()) done_.set_result();
}

// ---- the loop's side

void DnsChannel::on_socket_state(void* self, int fd, int readable, int writable) {
  static_cast<DnsChannel*>(self)->watch(fd, readable != 0, writable != 0);
}

// c-ares is about to wait for the socket, or to close it.
void DnsChannel::watch(int fd, bool readable, bool writable) noexcept {
  const auto place = std::find_if(sockets_.begin(), sockets_.end(),
                                  [fd](const auto& each) { return each->fd() == fd; });
  if (!readable && !writable) {
    if (place != sockets_.end()) sockets_.erase(place);
    return;
  }
  try {
    Socket& socket = place != sockets_.end()
                         ? **place
                         : *sockets_.emplace_back(std::make_unique<Socket>(*this, fd));
    socket.want(readable, writable);
  } catch (...) {
    // No memory to watch it with: the lookup ends by its timeout.
  }
}

void DnsChannel::socket_is_ready() noexcept {
  if (Node::is_linked()) return;
  scheduler_.disarm(*this);
  scheduler_.push_ready(*this);
}

void DnsChannel::run() {
  // By fd: c-ares may open and close sockets meanwhile.
  std::vector<std::pair<int, int>> ready;  // (readable, writable), as ares_process_fd takes them
  for (const auto& socket : sockets_) {
    const int readable = socket->take_readable() ? socket->fd() : ARES_SOCKET_BAD;
    const int writable = socket->take_writable() ? socket->fd() : ARES_SOCKET_BAD;
    if (readable != ARES_SOCKET_BAD || writable != ARES_SOCKET_BAD)
      ready.emplace_back(readable, writable);
  }
  for (const auto& [readable, writable] : ready) ares_process_fd(channel_, readable, writable);
  // Looks at the timeouts alone.
  if (ready.empty()) ares_process_fd(channel_, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
  settle();
}

// Sets the timer to when c-ares wants to be called next.
void DnsChannel::settle() noexcept {
  scheduler_.disarm(*this);
  if (!busy_ || Node::is_linked() || scheduler_.closed) return;
  timeval left{};
  if (ares_timeout(channel_, nullptr, &left) == nullptr) return;
  const Duration delay = std::chrono::seconds(left.tv_sec) +
                         std::chrono::microseconds(left.tv_usec) + std::chrono::milliseconds(1);
  try {
    scheduler_.arm(*this, scheduler_.now() + delay);
  } catch (...) {  // no memory for the timer: its sockets still wake it
  }
}

}  // namespace asyncio::detail
