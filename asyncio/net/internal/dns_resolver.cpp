#include "asyncio/net/internal/dns_resolver.hpp"

#include <ares.h>
#include <netdb.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "asyncio/base/errors.hpp"
#include "asyncio/io/backend.hpp"
#include "asyncio/net/internal/dns_errors.hpp"
#include "asyncio/sync/threads.hpp"

namespace asyncio::detail {
namespace {

constexpr std::size_t kIdleChannels = 8;

std::int64_t time_of_change(const std::string& path) noexcept {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) return -1;
  return std::int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec;
}

}  // namespace

// A channel for one lookup. Whatever ends the scope ends the lookup, and the next one may begin.
class DnsResolver::Lease {
 public:
  explicit Lease(std::shared_ptr<DnsResolver> owner)
      : owner_(std::move(owner)), channel_(owner_->take_channel()) {}
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;
  ~Lease() {
    channel_->cancel();
    owner_->put_back(std::move(channel_));
  }
  DnsChannel* operator->() const noexcept { return channel_.get(); }

 private:
  std::shared_ptr<DnsResolver> owner_;
  std::unique_ptr<DnsChannel> channel_;
};

DnsResolver::DnsResolver(Loop& loop, ResolverOptions options)
    : loop_(loop),
      options_(std::move(options)),
      hosts_(options_.hosts_file),
      turns_(std::max(1, options_.max_lookups)),
      resolv_conf_changed_ns_(time_of_change(options_.resolv_conf)) {
  idle_.push_back(std::make_unique<DnsChannel>(loop_, options_));  // tells bad options at once
}

void DnsResolver::drop_channels_of_old_configuration() {
  const std::int64_t changed_ns = time_of_change(options_.resolv_conf);
  if (std::exchange(resolv_conf_changed_ns_, changed_ns) != changed_ns) idle_.clear();
}

std::unique_ptr<DnsChannel> DnsResolver::take_channel() {
  if (&get_running_loop() != &loop_)
    throw RuntimeError(
        "a Resolver serves the loop that it was made in\n"
        "  instead: make_resolver() in each loop");
  drop_channels_of_old_configuration();
  if (idle_.empty()) return std::make_unique<DnsChannel>(loop_, options_);
  std::unique_ptr<DnsChannel> channel = std::move(idle_.back());
  idle_.pop_back();
  return channel;
}

void DnsResolver::put_back(std::unique_ptr<DnsChannel> channel) noexcept {
  if (idle_.size() >= kIdleChannels) return;
  try {
    idle_.push_back(std::move(channel));
  } catch (...) {  // no memory: then it is not kept
  }
}

Coro<Resolver::Answer> DnsResolver::look_up(std::string host, Address::Family family) {
  const std::shared_ptr<DnsResolver> alive = shared_from_this();
  hosts_.refresh();
  if (auto known = hosts_.addresses_of(host, family); !known.empty())
    co_return Answer{std::move(known), hosts_.canonical_name_of(host)};
  if (auto local = localhost_addresses(host, family); !local.empty())
    co_return Answer{std::move(local), lower_case_name(host)};
  auto turn = co_await turns_.scoped();
  Lease channel(alive);
  co_await channel->look_up(host, family);
  DnsResult& result = channel->result();
  if (result.status != ARES_SUCCESS)
    std::rethrow_exception(make_dns_error(result.status, "getaddrinfo", host, channel->servers()));
  co_return std::move(result.answer);
}

Coro<std::string> DnsResolver::look_up_name(Address address) {
  const std::shared_ptr<DnsResolver> alive = shared_from_this();
  hosts_.refresh();
  if (std::optional<std::string> known = hosts_.name_of(address)) co_return *known;
  auto turn = co_await turns_.scoped();
  Lease channel(alive);
  co_await channel->look_up_name(address);
  DnsResult& result = channel->result();
  if (result.status == ARES_ENODATA) result.status = ARES_ENOTFOUND;  // for a caller it is the same
  if (result.status != ARES_SUCCESS)
    std::rethrow_exception(
        make_dns_error(result.status, "getnameinfo", address.host(), channel->servers()));
  co_return std::move(result.answer.canonical_name);
}

// ---- threads. These functions run in one, and touch nothing of the loop.

namespace {

Resolver::Answer ask_system(const std::string& host, int family) {
  addrinfo hints{};
  hints.ai_family = family;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_CANONNAME;
  addrinfo* found = nullptr;
  const int code = ::getaddrinfo(host.c_str(), nullptr, &hints, &found);
  if (code == EAI_SYSTEM) throw_os_error(errno, "getaddrinfo", host);
  if (code != 0) std::rethrow_exception(make_gai_error(code, "getaddrinfo", host));
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> owner(found, ::freeaddrinfo);
  Resolver::Answer answer;
  if (found->ai_canonname != nullptr) answer.canonical_name = found->ai_canonname;
  for (const addrinfo* each = found; each != nullptr; each = each->ai_next) {
    SocketAddress system;
    if (each->ai_addrlen > SocketAddress::kCapacity) continue;
    std::memcpy(system.bytes, each->ai_addr, each->ai_addrlen);
    system.length = each->ai_addrlen;
    Address address = Address::from_system(system);
    if (std::find(answer.addresses.begin(), answer.addresses.end(), address) ==
        answer.addresses.end())
      answer.addresses.push_back(std::move(address));
  }
  return answer;
}

std::string ask_system_for_name(const Address& address) {
  const SocketAddress system = address.to_system();
  std::array<char, NI_MAXHOST> host{};
  const int code = ::getnameinfo(reinterpret_cast<const sockaddr*>(system.bytes), system.length,
                                 host.data(), host.size(), nullptr, 0, NI_NAMEREQD);
  if (code == EAI_SYSTEM) throw_os_error(errno, "getnameinfo", address.host());
  if (code != 0) std::rethrow_exception(make_gai_error(code, "getnameinfo", address.host()));
  return host.data();
}

}  // namespace

Coro<Resolver::Answer> ThreadResolver::look_up(std::string host, Address::Family family) {
  const int system_family = family == Address::Family::ipv4   ? AF_INET
                            : family == Address::Family::ipv6 ? AF_INET6
                                                              : AF_UNSPEC;
  Loop& loop = get_running_loop();
  co_return co_await loop.run_in_executor(
      [host = std::move(host), system_family] { return ask_system(host, system_family); });
}

Coro<std::string> ThreadResolver::look_up_name(Address address) {
  Loop& loop = get_running_loop();
  co_return co_await loop.run_in_executor(
      [address = std::move(address)] { return ask_system_for_name(address); });
}

}  // namespace asyncio::detail
