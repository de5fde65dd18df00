// dns_resolver.hpp: a Resolver of hosts file and c-ares channels, and one of threads.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "asyncio/net/dns.hpp"
#include "asyncio/net/internal/dns_channel.hpp"
#include "asyncio/net/internal/hosts_file.hpp"
#include "asyncio/sync/locks.hpp"

namespace asyncio::detail {

class DnsResolver final : public Resolver, public std::enable_shared_from_this<DnsResolver> {
 public:
  explicit DnsResolver(Loop& loop, ResolverOptions options);

  Coro<Answer> look_up(std::string host, Address::Family family) override;
  Coro<std::string> look_up_name(Address address) override;

 private:
  class Lease;

  std::unique_ptr<DnsChannel> take_channel();
  void put_back(std::unique_ptr<DnsChannel> channel) noexcept;
  void drop_channels_of_old_configuration();

  Loop& loop_;
  ResolverOptions options_;
  HostsFile hosts_;
  Semaphore turns_;
  std::vector<std::unique_ptr<DnsChannel>> idle_;
  std::int64_t resolv_conf_changed_ns_ = -1;
};

class ThreadResolver final : public Resolver {
 public:
  Coro<Answer> look_up(std::string host, Address::Family family) override;
  Coro<std::string> look_up_name(Address address) override;
};

}  // namespace asyncio::detail
