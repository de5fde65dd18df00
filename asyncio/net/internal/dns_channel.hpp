// dns_channel.hpp: one c-ares channel on the loop: its sockets are watched by the backend, its
// timer stands among the loop's. A channel serves one lookup at a time, so that cancelling the
// lookup can end everything the channel does, and each lookup has source ports of its own.
//
//   idle --look_up(), look_up_name()--> busy --answer, error or timeout--> idle
//                                        +-----cancel()-----------------> idle
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "asyncio/core/futures.hpp"
#include "asyncio/net/dns.hpp"

struct ares_channeldata;
struct ares_addrinfo;
struct hostent;

namespace asyncio::detail {

// How a lookup ended. `status` is one of ares.h.
struct DnsResult {
  int status = 0;
  Resolver::Answer answer;
};

class DnsChannel final : public TimerNode {
 public:
  // Throws OSError where a file is not readable for another reason than being absent, ValueError
  // for a server that is no address.
  DnsChannel(Loop& loop, const ResolverOptions& options);
  DnsChannel(const DnsChannel&) = delete;
  DnsChannel& operator=(const DnsChannel&) = delete;
  ~DnsChannel();

  // Done with nothing once result() is there, perhaps already when this returns.
  Future<> look_up(const std::string& host, Address::Family family);
  Future<> look_up_name(const Address& address);
  DnsResult& result() noexcept { return result_; }
  void cancel() noexcept;  // ends what it does and closes its sockets; no effect where it is idle

  const Scheduler& scheduler() const noexcept { return scheduler_; }
  // "127.0.0.1:53, [::1]:53", for messages.
  std::string servers() const;

  void run() override;  // something is ready, or the timer came
  void notify() noexcept override {
    if (!Node::is_linked()) scheduler_.push_ready(*this);
  }
  bool cancel_wait(const std::string&) override { return false; }

 private:
  class Socket;

  static void on_socket_state(void* self, int fd, int readable, int writable);
  static void on_addresses(void* self, int status, int timeouts, ares_addrinfo* found);
  static void on_name(void* self, int status, int timeouts, hostent* found);
  static std::int64_t receive(int fd, void* data, std::size_t size, int flags, void* from,
                              unsigned* length, void* self);
  void set_socket_functions();
  void watch(int fd, bool readable, bool writable) noexcept;
  Future<> begin();
  void end(int status) noexcept;
  void settle() noexcept;
  void socket_is_ready() noexcept;

  Scheduler& scheduler_;
  Loop& loop_;
  ares_channeldata* channel_ = nullptr;
  std::vector<std::unique_ptr<Socket>> sockets_;
  Future<> done_;
  bool busy_ = false;
  int refusal_ = 0;  // the last code by which a server declined, such as SERVFAIL
  DnsResult result_;
};

}  // namespace asyncio::detail
