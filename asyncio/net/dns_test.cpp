#include "asyncio/net/dns.hpp"

#include <netdb.h>
#include <sys/socket.h>

#include <filesystem>
#include <fstream>
#include <vector>

#include "asyncio/combinators/gather.hpp"
#include "asyncio/combinators/timeouts.hpp"
#include "asyncio/net/internal/dns_test_server.hpp"
#include "asyncio/net/internal/test_support.hpp"

namespace asyncio {
namespace {

using namespace net_test;
using Family = Address::Family;

std::string hosts(const std::vector<Address>& addresses) {
  std::string all;
  for (const Address& each : addresses) all += (all.empty() ? "" : " ") + each.host();
  return all;
}

bool mentions(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

DnsReply reply_of(const DnsQuestion& question) {
  const std::string& name = question.name;
  if (name == "one.example") return {.records = {"10.0.0.1", "fd00::1"}};
  if (name == "four.example") return {.records = {"10.0.0.4"}};
  if (name == "alias.example") return {.records = {"one.example.", "10.0.0.1", "fd00::1"}};
  if (name == "short.corp.example") return {.records = {"10.0.0.9"}};
  if (name == "nodata.example") return {};
  if (name == "broken.example") return {.code = 2};
  if (name == "refused.example") return {.code = 5};
  if (name == "silent.example") return {.silent = true};
  if (name == "long.example" && !question.tcp) return {.truncated = true};
  if (name == "long.example") return {.records = std::vector<std::string>(40, "10.0.0.2")};
  if (name == "1.0.0.10.in-addr.arpa") return {.records = {"one.example."}};
  return {.code = 3};
}

// A loop whose names come from a server of ours.
template <class Body>
void with_server(Body body, ResolverOptions options = {}) {
  run([](Body test, ResolverOptions how) -> Coro<> {
    DnsTestServer server(reply_of);
    co_await server.start();
    how.servers = {server.address()};
    how.hosts_file = "";
    how.resolv_conf = "/dev/null";
    if (how.attempts == 0) how.attempts = 1;
    get_running_loop().set_default_resolver(make_resolver(how));
    co_await test(server);
    co_await server.stop();
  }(std::move(body), std::move(options)));
}

TEST(Resolve, numeric_hosts_need_no_resolver) {
  run([]() -> Coro<> {
    const std::vector<Address> four = co_await resolve("127.0.0.1", 80);
    EXPECT_EQ(four.at(0).repr(), "('127.0.0.1', 80)");
    const std::vector<Address> six = co_await resolve("::1", 80);
    EXPECT_EQ(six.at(0).repr(), "('::1', 80, 0, 0)");
    EXPECT_EQ(hosts(co_await resolve("", 0, {.passive = true})), "0.0.0.0 ::");
    EXPECT_EQ(hosts(co_await resolve("", 0)), "::1 127.0.0.1");
    EXPECT_EQ((co_await error_of(resolve("127.0.0.1", 65536))),
              "ValueError: port must be 0-65535.");
    EXPECT_TRUE(mentions(co_await error_of(resolve("::1", 80, {.family = Family::ipv4})),
                         "GaiError: [Errno -9] Address family for hostname not supported"));
  }());
}

TEST(Resolve, asks_the_server_for_both_families) {
  with_server([](DnsTestServer& server) -> Coro<> {
    const std::vector<Address> found = co_await resolve("one.example", 80);
    EXPECT_EQ(found.size(), 2U);
    for (const Address& each : found) EXPECT_EQ(each.port(), 80);
    EXPECT_EQ(server.asked().size(), 2U);
    EXPECT_EQ(hosts(co_await resolve("one.example", 80, {.family = Family::ipv4})), "10.0.0.1");
    EXPECT_EQ(hosts(co_await resolve("one.example", 80, {.family = Family::ipv6})), "fd00::1");
    EXPECT_EQ(hosts(co_await resolve("four.example", 80)), "10.0.0.4");
  });
}

TEST(Resolve, failures_say_python_s_sentence_the_host_and_the_reason) {
  with_server([](DnsTestServer& server) -> Coro<> {
    struct Case {
      const char* host;
      int code;
      const char* sentence;
      const char* reason;
    };
    const std::vector<Case> cases{
        {"missing.example", EAI_NONAME, "[Errno -2] Name or service not known\n", "NXDOMAIN"},
        {"nodata.example", EAI_NODATA, "[Errno -5] No address associated with hostname\n",
         "NODATA"},
        {"broken.example", EAI_AGAIN, "[Errno -3] Temporary failure in name resolution\n",
         "SERVFAIL"},
        {"refused.example", EAI_AGAIN, "[Errno -3] Temporary failure in name resolution\n",
         "REFUSED"},
        {"a b", EAI_NONAME, "[Errno -2] Name or service not known\n", "blank"},
        {"a..b", EAI_NONAME, "[Errno -2] Name or service not known\n", "empty part"},
    };
    for (const Case& each : cases) {
      try {
        co_await resolve(each.host, 80);
        ADD_FAILURE() << each.host << " was found";
      } catch (const GaiError& error) {
        const std::string words = error.what();
        EXPECT_EQ(error.error_number(), each.code) << words;
        EXPECT_EQ(error.subject(), each.host);
        EXPECT_EQ(words.find(each.sentence), 0U) << words;
        EXPECT_TRUE(mentions(words, "host: '" + std::string(each.host) + "'")) << words;
        EXPECT_TRUE(mentions(words, each.reason)) << words;
      }
    }
    EXPECT_TRUE(mentions(co_await error_of(resolve("broken.example", 1)), server.address()));
  });
}

TEST(Resolve, an_answer_too_long_for_udp_is_fetched_by_tcp) {
  with_server([](DnsTestServer& server) -> Coro<> {
    const auto found = co_await resolve("long.example", 80, {.family = Family::ipv4});
    EXPECT_EQ(hosts(found), "10.0.0.2");
    EXPECT_EQ(server.asked(), (std::vector<std::string>{"A long.example", "TCP A long.example"}));
  });
}

TEST(Resolve, asks_by_tcp_at_once_where_told_to) {
  with_server(
      [](DnsTestServer& server) -> Coro<> {
        EXPECT_EQ(hosts(co_await resolve("one.example", 80, {.family = Family::ipv4})), "10.0.0.1");
        EXPECT_EQ(server.asked(), std::vector<std::string>{"TCP A one.example"});
      },
      {.tcp = true});
}

TEST(Resolve, short_names_are_tried_with_the_search_domains) {
  with_server(
      [](DnsTestServer& server) -> Coro<> {
        EXPECT_EQ(hosts(co_await resolve("short", 80, {.family = Family::ipv4})), "10.0.0.9");
        EXPECT_EQ(server.asked().front(), "A short.corp.example");
      },
      {.search = std::vector<std::string>{"corp.example"}});
}

TEST(Resolve, a_server_that_never_answers_ends_by_the_timeout) {
  with_server(
      [](DnsTestServer& server) -> Coro<> {
        const std::string error =
            co_await error_of(resolve("silent.example", 80, {.family = Family::ipv4}));
        EXPECT_TRUE(mentions(error, "[Errno -3] Temporary failure in name resolution")) << error;
        EXPECT_TRUE(mentions(error, "no answer in time from " + server.address())) << error;
        EXPECT_EQ(server.asked().size(), 2U);
      },
      {.timeout = 20ms, .attempts = 2});
}

TEST(Resolve, a_dead_server_is_told_from_a_slow_one) {
  run([]() -> Coro<> {
    int port = 0;
    {
      DatagramSocket gone = co_await open_datagram({.local_host = "127.0.0.1"});
      port = gone.address().port();
    }
    co_await pass(3);  // it is closed
    ResolverOptions options;
    options.servers = {"127.0.0.1:" + std::to_string(port)};
    options.timeout = 1s;
    options.attempts = 1;
    get_running_loop().set_default_resolver(make_resolver(options));
    const std::string error = co_await error_of(resolve("one.example", 80));
    EXPECT_TRUE(mentions(error, "GaiError: [Errno -3]")) << error;
    EXPECT_TRUE(mentions(error, "no name server runs at " + options.servers[0])) << error;
  }());
}

TEST(Resolve, another_server_is_asked_where_one_declines) {
  run([]() -> Coro<> {
    DnsTestServer broken([](const DnsQuestion&) { return DnsReply{.code = 2}; });
    DnsTestServer fine(reply_of);
    co_await broken.start();
    co_await fine.start();
    ResolverOptions options;
    options.servers = {broken.address(), fine.address()};
    get_running_loop().set_default_resolver(make_resolver(options));
    EXPECT_EQ(hosts(co_await resolve("one.example", 1, {.family = Family::ipv4})), "10.0.0.1");
    EXPECT_EQ(broken.asked().size(), 1U);
    co_await broken.stop();
    co_await fine.stop();
  }());
}

TEST(Resolve, a_cancelled_lookup_closes_its_sockets_at_once) {
  with_server([](DnsTestServer& server) -> Coro<> {
    co_await resolve("one.example", 80);  // the channel is made
    const int before = open_files();
    for (const char* host : {"silent.example", "one.example"}) {
      // Cancelled in every pass of its life in turn.
      for (int passes = 0; passes < 12; ++passes) {
        Task<std::vector<Address>> lookup = create_task(resolve(host, 80));
        co_await pass(passes);
        lookup.cancel();
        const std::string error = co_await error_of(lookup);
        EXPECT_TRUE(error == "CancelledError" || error.empty()) << error;
        EXPECT_EQ(open_files(), before);
      }
    }
    EXPECT_FALSE(server.asked().empty());
    EXPECT_EQ((co_await resolve("one.example", 80)).size(), 2U);  // the channel serves on
  });
}

TEST(Resolve, lookups_beyond_the_limit_wait_their_turn) {
  with_server(
      [](DnsTestServer& server) -> Coro<> {
        Task<std::vector<Address>> stuck =
            create_task(resolve("silent.example", 80, {.family = Family::ipv4}));
        EXPECT_TRUE(co_await eventually([&] { return server.asked().size() == 1; }));
        Task<std::vector<Address>> next =
            create_task(resolve("one.example", 80, {.family = Family::ipv4}));
        co_await pass(5);
        EXPECT_EQ(server.asked().size(), 1U);
        stuck.cancel();
        EXPECT_EQ(hosts(co_await next), "10.0.0.1");
      },
      {.max_lookups = 1});
}

TEST(Resolve, many_at_once_each_get_their_own_answer) {
  with_server([](DnsTestServer&) -> Coro<> {
    std::vector<Task<std::vector<Address>>> lookups;
    for (int i = 0; i < 100; ++i)
      lookups.push_back(create_task(
          resolve(i % 2 == 0 ? "one.example" : "four.example", i, {.family = Family::ipv4})));
    for (int i = 0; i < 100; ++i) {
      const std::vector<Address> found = co_await lookups[static_cast<std::size_t>(i)];
      EXPECT_EQ(hosts(found), i % 2 == 0 ? "10.0.0.1" : "10.0.0.4");
      EXPECT_EQ(found.at(0).port(), i);
    }
  });
}

TEST(Resolve, the_hosts_file_comes_first) {
  const auto path =
      std::filesystem::temp_directory_path() / ("dns_test." + std::to_string(::getpid()));
  std::ofstream(path) << "10.9.9.9 one.example web\n";
  run([](std::string file) -> Coro<> {
    DnsTestServer server(reply_of);
    co_await server.start();
    ResolverOptions options;
    options.servers = {server.address()};
    options.hosts_file = file;
    Loop& loop = get_running_loop();
    loop.set_default_resolver(make_resolver(options));
    EXPECT_EQ(hosts(co_await resolve("ONE.example", 80)), "10.9.9.9");
    EXPECT_EQ(hosts(co_await resolve("localhost", 80, {.family = Family::ipv4})), "127.0.0.1");
    EXPECT_EQ((co_await loop.getnameinfo(*Address::parse("10.9.9.9", 80))).first, "one.example");
    EXPECT_TRUE(server.asked().empty());
    // It knows no IPv6 address of the name, so the server is asked.
    EXPECT_EQ(hosts(co_await resolve("one.example", 80, {.family = Family::ipv6})), "fd00::1");
    co_await server.stop();
  }(path.string()));
  std::filesystem::remove(path);
}

TEST(Resolve, resolv_conf_is_read_again_once_it_has_changed) {
  const auto path =
      std::filesystem::temp_directory_path() / ("resolv_test." + std::to_string(::getpid()));
  std::ofstream(path) << "search nowhere.example\noptions attempts:1 timeout:1\n";
  run([](std::filesystem::path file) -> Coro<> {
    DnsTestServer server(reply_of);
    co_await server.start();
    ResolverOptions options;
    options.servers = {server.address()};
    options.hosts_file = "";
    options.resolv_conf = file.string();
    get_running_loop().set_default_resolver(make_resolver(options));
    EXPECT_TRUE(mentions(co_await error_of(resolve("short", 80)), "NXDOMAIN"));
    std::ofstream(file) << "search corp.example\n";
    std::filesystem::last_write_time(file, std::filesystem::file_time_type::clock::now());
    EXPECT_EQ(hosts(co_await resolve("short", 80, {.family = Family::ipv4})), "10.0.0.9");
    co_await server.stop();
  }(path));
  std::filesystem::remove(path);
}

TEST(Resolve, the_system_answers_in_a_thread_where_told_to) {
  run([]() -> Coro<> {
    get_running_loop().set_default_resolver(make_thread_resolver());
    const std::vector<Address> found = co_await resolve("localhost", 7);
    EXPECT_FALSE(found.empty());
    for (const Address& address : found) EXPECT_EQ(address.port(), 7);
    EXPECT_TRUE(mentions(co_await error_of(resolve("no such host", 7)), "GaiError: [Errno -2]"));
  }());
}

TEST(Resolve, a_resolver_can_be_written_by_hand) {
  struct Table final : Resolver {
    Coro<Answer> look_up(std::string host, Family) override {
      co_return Answer{{*Address::parse("10.1.1.1", 0)}, host + ".table"};
    }
    Coro<std::string> look_up_name(Address) override { co_return "somebody"; }
  };
  run([]() -> Coro<> {
    Loop& loop = get_running_loop();
    loop.set_default_resolver(std::make_shared<Table>());
    EXPECT_EQ((co_await resolve("x", 5)).at(0).repr(), "('10.1.1.1', 5)");
    EXPECT_EQ((co_await loop.getnameinfo(*Address::parse("10.0.0.1", 80))).first, "somebody");
  }());
}

TEST(Resolver, refuses_servers_that_are_no_addresses) {
  run([]() -> Coro<> {
    EXPECT_TRUE(mentions(error_of([] { make_resolver({.servers = {"dns.example"}}); }),
                         "ValueError: not a list of name servers: dns.example"));
    co_return;
  }());
}

TEST(GetAddrInfo, lists_each_address_for_each_kind_of_socket) {
  with_server([](DnsTestServer&) -> Coro<> {
    Loop& loop = get_running_loop();
    const auto all = co_await loop.getaddrinfo("four.example", 80);
    EXPECT_EQ(all.size(), 3U);
    EXPECT_EQ(all.at(0).type, SOCK_STREAM);
    EXPECT_EQ(all.at(1).type, SOCK_DGRAM);
    EXPECT_EQ(all.at(2).type, SOCK_RAW);
    const auto one = co_await loop.getaddrinfo(
        "alias.example", "https",
        {.family = Family::ipv4, .type = SOCK_STREAM, .flags = AI_CANONNAME});
    EXPECT_EQ(one.size(), 1U);
    EXPECT_EQ(one.at(0).canonical_name, "one.example");
    EXPECT_EQ(one.at(0).address.repr(), "('10.0.0.1', 443)");
    EXPECT_EQ(one.at(0).protocol, IPPROTO_TCP);
    EXPECT_TRUE(
        mentions(co_await error_of(loop.getaddrinfo("one.example", 80, {.flags = AI_NUMERICHOST})),
                 "[Errno -2] Name or service not known"));
    EXPECT_TRUE(mentions(
        co_await error_of(loop.getaddrinfo("one.example", "no-such-service", AddressInfoOptions{})),
        "[Errno -8] Servname not supported for ai_socktype"));
  });
}

TEST(GetNameInfo, gives_the_name_or_the_number) {
  with_server([](DnsTestServer&) -> Coro<> {
    Loop& loop = get_running_loop();
    const Address known = *Address::parse("10.0.0.1", 443);
    const Address unknown = *Address::parse("10.0.0.77", 65000);
    using Pair = std::pair<std::string, std::string>;
    EXPECT_EQ((co_await loop.getnameinfo(known)), Pair("one.example", "https"));
    EXPECT_EQ((co_await loop.getnameinfo(known, NI_NUMERICHOST | NI_NUMERICSERV)),
              Pair("10.0.0.1", "443"));
    EXPECT_EQ((co_await loop.getnameinfo(unknown)), Pair("10.0.0.77", "65000"));
    EXPECT_TRUE(mentions(co_await error_of(loop.getnameinfo(unknown, NI_NAMEREQD)),
                         "[Errno -2] Name or service not known"));
  });
}

// The deadline of a connect is for resolving and connecting together.
TEST(Connect, resolving_counts_against_the_timeout) {
  with_server(
      [](DnsTestServer& server) -> Coro<> {
        const int before = open_files();
        ConnectOptions options;
        options.timeout = 30ms;
        EXPECT_EQ((co_await error_of(open_connection("silent.example", 80, options))),
                  "TimeoutError: timed out: resolving silent.example");
        co_await pass(3);
        EXPECT_EQ(open_files(), before);
        EXPECT_EQ(server.asked().size(), 2U);
      },
      {.timeout = 60s});
}

}  // namespace
}  // namespace asyncio
