#include "asyncio/testing/network.hpp"

#include "asyncio/core/events.hpp"

namespace asyncio::testing {
namespace {

ContextVar<int>& host_variable() {
  static ContextVar<int> variable("asyncio::testing::Host", 0);
  return variable;
}

}  // namespace

Host::Scope::Scope(int index) : token_(host_variable().set(index)) {}
Host::Scope::~Scope() { host_variable().reset(token_); }

Network::Network() : network_(asyncio::detail::simulated_network_of(get_running_loop().backend())) {
  if (network_ == nullptr)
    throw RuntimeError(
        "the running loop has no simulated network\n"
        "  instead: use Network inside of ASYNCIO_TEST or testing::run()");
  network_->set_current_host([] { return host_variable().get(); });
}

Host Network::host(const std::string& name) {
  const int index = network_->find_or_add_host(name);
  return {index, name, network_->address_of(index)};
}
Host Network::localhost() { return host("localhost"); }

void Network::set_link(LinkQuality quality) { network_->set_default_link(quality); }
void Network::set_link(const Host& one, const Host& other, LinkQuality quality) {
  set_one_way(one, other, quality);
  set_one_way(other, one, quality);
}
void Network::set_one_way(const Host& from, const Host& to, LinkQuality quality) {
  network_->set_link(from.index_, to.index_, quality);
}

void Network::partition(const Host& one, const Host& other) {
  network_->cut(one.index_, other.index_);
}
void Network::partition(const std::vector<Host>& ones, const std::vector<Host>& others) {
  for (const Host& one : ones)
    for (const Host& other : others) partition(one, other);
}
void Network::heal() { network_->heal_all(); }
void Network::heal(const Host& one, const Host& other) { network_->heal(one.index_, other.index_); }
void Network::reset(const Host& one, const Host& other) {
  network_->reset_streams(one.index_, other.index_);
}

void Network::add_name(const std::string& name, const std::vector<std::string>& addresses) {
  network_->add_name(name, addresses);
}
void Network::fail_name(const std::string& name, int error) { network_->fail_look_up(name, error); }
void Network::set_name_delay(Duration delay) { network_->set_look_up_delay(delay); }

std::uint64_t Network::trace_hash() const noexcept { return network_->trace_hash(); }
void Network::set_trace(std::function<void(const std::string&)> sink) {
  network_->set_trace(std::move(sink));
}

}  // namespace asyncio::testing
