// dns_test_server.hpp: a name server for tests, on a free port of the loopback, UDP and TCP. What
// it says is the test's: a function from a question to a reply.
#pragma once
#include <gtest/gtest.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "asyncio/core/events.hpp"
#include "asyncio/io/backend.hpp"
#include "asyncio/net/datagrams.hpp"
#include "asyncio/net/dns.hpp"
#include "asyncio/net/servers.hpp"

namespace asyncio::net_test {

struct DnsQuestion {
  std::string name;  // in lower case, without the last dot
  int type = 0;      // 1 A, 5 CNAME, 12 PTR, 28 AAAA
  bool tcp = false;
};

struct DnsReply {
  int code = 0;  // 0 fine, 2 SERVFAIL, 3 NXDOMAIN, 5 REFUSED
  bool truncated = false;
  bool silent = false;                    // no answer at all
  std::vector<std::string> records = {};  // addresses; "name." is a CNAME, or the answer of a PTR
};

class DnsTestServer {
 public:
  using Script = std::function<DnsReply(const DnsQuestion&)>;

  explicit DnsTestServer(Script script) : script_(std::move(script)) {}
  DnsTestServer(const DnsTestServer&) = delete;
  DnsTestServer& operator=(const DnsTestServer&) = delete;
  ~DnsTestServer() = default;

  Coro<> start() {
    struct Udp final : DatagramProtocol {
      explicit Udp(DnsTestServer& owner) : server(owner) {}
      void connection_made(DatagramTransport& made) override { transport = &made; }
      void datagram_received(std::string_view query, const Address& from) override {
        const std::string reply = server.answer(query, false);
        if (!reply.empty()) transport->sendto(reply, from);
      }
      DnsTestServer& server;
      DatagramTransport* transport = nullptr;
    };
    Loop& loop = get_running_loop();
    auto tcp = [this](StreamReader reader, StreamWriter writer) -> Coro<> {
      co_await serve(*this, std::move(reader), std::move(writer));
    };
    for (int tries = 0; tries < 20 && !udp_; ++tries) {
      server_ = co_await start_server(tcp, "127.0.0.1", 0);
      DatagramOptions options;
      options.local_host = "127.0.0.1";
      options.local_port = port();
      try {
        auto made = co_await loop.create_datagram_endpoint(
            [this] { return std::make_shared<Udp>(*this); }, options);
        udp_ = made.first;
      } catch (const OSError&) {  // the port is taken for UDP
        server_.close();
      }
    }
  }
  Coro<> stop() {
    udp_->abort();
    server_.close();
    server_.abort_clients();
    co_await server_.wait_closed();
  }

  int port() const { return server_.sockets().at(0).port(); }
  std::string address() const { return "127.0.0.1:" + std::to_string(port()); }
  // What was asked so far: "A one.example", "AAAA one.example", "TCP A one.example".
  const std::vector<std::string>& asked() const { return asked_; }

 private:
  static Coro<> serve(DnsTestServer& server, StreamReader reader, StreamWriter writer) {
    for (;;) {
      const std::string head = co_await reader.read(2);
      if (head.size() < 2) co_return;
      const std::string query = co_await reader.readexactly(number(head, 0));
      const std::string reply = server.answer(query, true);
      if (reply.empty()) continue;
      writer.write(number(reply.size()) + reply);
    }
  }

  static std::size_t number(std::string_view bytes, std::size_t at) {
    return static_cast<unsigned char>(bytes[at]) * std::size_t{256} +
           static_cast<unsigned char>(bytes[at + 1]);
  }
  static std::string number(std::size_t value) {
    return {static_cast<char>(value >> 8U), static_cast<char>(value)};
  }
  static std::string encoded(std::string_view name) {
    std::string bytes;
    while (!name.empty()) {
      const std::size_t end = std::min(name.find('.'), name.size());
      bytes += static_cast<char>(end);
      bytes += name.substr(0, end);
      name.remove_prefix(std::min(end + 1, name.size()));
    }
    return bytes + '\0';
  }
  static std::string record(std::string_view owner, int type, std::string_view data) {
    const std::string time_to_live{'\0', '\0', '\0', '\1'};
    return std::string(owner) + number(static_cast<std::size_t>(type)) + number(1) + time_to_live +
           number(data.size()) + std::string(data);
  }

  std::string answer(std::string_view query, bool tcp) {
    DnsQuestion question{.name = {}, .type = 0, .tcp = tcp};
    std::size_t at = 12;
    while (query[at] != 0) {
      const auto length = static_cast<unsigned char>(query[at]);
      if (!question.name.empty()) question.name += '.';
      question.name += query.substr(at + 1, length);
      at += length + std::size_t{1};
    }
    question.type = static_cast<int>(number(query, at + 1));
    const std::string_view echo = query.substr(12, at + 5 - 12);
    const char* const type = question.type == 1    ? "A "
                             : question.type == 28 ? "AAAA "
                             : question.type == 12 ? "PTR "
                                                   : "? ";
    asked_.push_back((tcp ? "TCP " : "") + std::string(type) + question.name);

    const DnsReply reply = script_(question);
    if (reply.silent) return {};
    std::string records;
    std::size_t count = 0;
    std::string owner = {'\xC0', '\x0C'};  // the question's name
    for (const std::string& each : reply.records) {
      const std::optional<Address> address = Address::parse(each, 0);
      if (!address) {
        const std::string target = encoded(std::string_view(each).substr(0, each.size() - 1));
        records += record(owner, question.type == 12 ? 12 : 5, target);
        owner = target;
      } else {
        const bool four = address->family() == Address::Family::ipv4;
        if (question.type != (four ? 1 : 28)) continue;
        const detail::SocketAddress system = address->to_system();
        const auto* const bytes = reinterpret_cast<const char*>(system.bytes);
        records += record(owner, question.type, {bytes + (four ? 4 : 8), four ? 4U : 16U});
      }
      ++count;
    }
    const auto flags = 0x8180U | static_cast<unsigned>(reply.code) | (reply.truncated ? 0x200U : 0);
    return std::string(query.substr(0, 2)) + number(flags) + number(1) + number(count) + number(0) +
           number(0) + std::string(echo) + records;
  }

  Script script_;
  Server server_;
  std::shared_ptr<DatagramTransport> udp_;
  std::vector<std::string> asked_;
};

}  // namespace asyncio::net_test
