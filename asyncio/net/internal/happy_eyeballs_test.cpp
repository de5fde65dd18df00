#include "asyncio/net/internal/happy_eyeballs.hpp"

#include <vector>

#include "asyncio/net/dns.hpp"
#include "asyncio/net/internal/test_support.hpp"

namespace asyncio {
namespace {

using namespace net_test;
using detail::interleaved;

std::vector<Address> addresses(std::vector<std::string> hosts, int port = 0) {
  std::vector<Address> all;
  for (const std::string& host : hosts) all.push_back(*Address::parse(host, port));
  return all;
}

std::string hosts(const std::vector<Address>& all) {
  std::string text;
  for (const Address& each : all) text += (text.empty() ? "" : " ") + each.host();
  return text;
}

TEST(Interleave, takes_the_families_in_turn_behind_the_first_few) {
  const std::vector<Address> all = addresses({"::1", "::2", "::3", "0.0.0.1", "0.0.0.2"});
  EXPECT_EQ(hosts(interleaved(all, 1)), "::1 0.0.0.1 ::2 0.0.0.2 ::3");
  EXPECT_EQ(hosts(interleaved(all, 2)), "::1 ::2 0.0.0.1 ::3 0.0.0.2");
  EXPECT_EQ(hosts(interleaved(all, 9)), "::1 ::2 ::3 0.0.0.1 0.0.0.2");
  EXPECT_EQ(hosts(interleaved({}, 1)), "");
}

// Every name means the same addresses.
class Table final : public Resolver {
 public:
  explicit Table(std::vector<std::string> all) : hosts_(std::move(all)) {}
  Coro<Answer> look_up(std::string, Address::Family) override {
    co_return Answer{addresses(hosts_), "table"};
  }
  Coro<std::string> look_up_name(Address) override { co_return "table"; }

 private:
  std::vector<std::string> hosts_;
};

void all_names_are(std::vector<std::string> all) {
  get_running_loop().set_default_resolver(std::make_shared<Table>(std::move(all)));
}

Coro<Server> listen_on(std::string host, int port) {
  co_return co_await start_server([](StreamReader, StreamWriter) -> Coro<> { co_return; },
                                  std::move(host), port);
}

TEST(HappyEyeballs, a_silent_address_does_not_hold_up_the_next) {
  run([]() -> Coro<> {
    const DeafHost silent;
    Server server = co_await listen_on("127.0.0.2", silent.port());
    all_names_are({"127.0.0.1", "127.0.0.2"});
    const int before = open_files();
    {
      Connection connection =
          co_await open_connection("both.example", silent.port(), {.happy_eyeballs_delay = 10ms});
      EXPECT_EQ(connection.writer.peername().host(), "127.0.0.2");
      // The other attempt is closed: one socket here, at most one at the server.
      EXPECT_LE(open_files(), before + 2);
      connection.writer.close();
      co_await connection.writer.wait_closed();
    }
    server.close();
    co_await server.wait_closed();
  }());
}

// No delay is waited for here: it would be an hour.
TEST(HappyEyeballs, a_failure_starts_the_next_attempt_at_once) {
  run([]() -> Coro<> {
    Server server = co_await listen_on("127.0.0.3", 0);
    const int port = server.sockets()[0].port();
    all_names_are({"127.0.0.4", "127.0.0.5", "127.0.0.3"});
    Connection connection =
        co_await open_connection("three.example", port, {.happy_eyeballs_delay = 1h});
    EXPECT_EQ(connection.writer.peername().host(), "127.0.0.3");
    connection.writer.close();
    server.close();
    co_await server.wait_closed();
  }());
}

// An old attempt that fails late does not start one out of turn: the delay would be an hour.
TEST(HappyEyeballs, a_cancelled_race_closes_every_attempt) {
  run([]() -> Coro<> {
    const DeafHost silent;
    all_names_are({"127.0.0.1", "127.0.0.1", "127.0.0.1"});
    const int before = open_files();
    Task<Connection> race = create_task(
        open_connection("silent.example", silent.port(), {.happy_eyeballs_delay = 1ms}));
    EXPECT_TRUE(co_await eventually([&] { return open_files() == before + 3; }));
    race.cancel();
    EXPECT_EQ(co_await error_of(std::move(race)), "CancelledError");
    EXPECT_EQ(open_files(), before);
  }());
}

TEST(HappyEyeballs, the_deadline_ends_the_race) {
  run([]() -> Coro<> {
    const DeafHost silent;
    all_names_are({"127.0.0.1", "127.0.0.1"});
    const int before = open_files();
    const std::string error = co_await error_of(open_connection(
        "silent.example", silent.port(), {.timeout = 30ms, .happy_eyeballs_delay = 1ms}));
    EXPECT_EQ(error.find("TimeoutError: timed out: connecting to ('127.0.0.1'"), 0U) << error;
    EXPECT_EQ(open_files(), before);
  }());
}

TEST(HappyEyeballs, the_errors_of_all_attempts_are_told) {
  run([]() -> Coro<> {
    int port = 0;
    {
      Server gone = co_await listen_on("127.0.0.2", 0);
      port = gone.sockets()[0].port();
      gone.close();
    }
    all_names_are({"127.0.0.2", "127.0.0.3"});
    const std::string where = std::to_string(port);
    for (const bool race : {false, true}) {
      ConnectOptions options;
      if (race) options.happy_eyeballs_delay = 1h;
      EXPECT_EQ(co_await error_of(open_connection("two.example", port, options)),
                "ConnectionRefusedError: Multiple exceptions: [Errno 111] Connect call failed "
                "('127.0.0.2', " +
                    where + "), [Errno 111] Connect call failed ('127.0.0.3', " + where + ")");
      options.all_errors = true;
      try {
        co_await open_connection("two.example", port, options);
        ADD_FAILURE() << "connected";
      } catch (const ExceptionGroup& group) {
        EXPECT_EQ(group.message(), "create_connection failed");
        EXPECT_EQ(group.exceptions().size(), 2U);
      }
    }
  }());
}

TEST(LocalAddress, of_the_wrong_family_and_of_others_is_refused_by_name) {
  run([]() -> Coro<> {
    Server server = co_await listen_on("127.0.0.1", 0);
    const int port = server.sockets()[0].port();
    EXPECT_EQ(co_await error_of(open_connection("127.0.0.1", port, {.local_host = "::1"})),
              "OSError: no matching local address with family=2 found\n  peer: ('127.0.0.1', " +
                  std::to_string(port) + ")");
    const std::string error =
        co_await error_of(open_connection("127.0.0.1", port, {.local_host = "192.0.2.1"}));
    EXPECT_EQ(error.find("OSError: [Errno 99] error while attempting to bind on address "
                         "('192.0.2.1', 0): "),
              0U)
        << error;
    all_names_are({"127.0.0.9"});
    Connection named = co_await open_connection("127.0.0.1", port, {.local_host = "here.example"});
    EXPECT_EQ(named.writer.sockname().host(), "127.0.0.9");
    named.writer.close();
    server.close();
    co_await server.wait_closed();
  }());
}

}  // namespace
}  // namespace asyncio
