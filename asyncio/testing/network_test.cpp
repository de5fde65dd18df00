#include "asyncio/testing/network.hpp"

#include <gtest/gtest.h>
#include <netdb.h>

#include <string>
#include <vector>

#include "asyncio/testing.hpp"
#include "tests/support.hpp"

using namespace std::chrono_literals;

namespace asyncio {
namespace {

using testing::Host;
using testing::Network;
using tests::error_of;

Coro<> echo(StreamReader reader, StreamWriter writer) try {
  for (;;) {
    const std::string data = co_await reader.read(1000);
    if (data.empty()) break;
    writer.write(data);
    co_await writer.drain();
  }
  writer.close();
} catch (const ConnectionResetError&) {  // its own affair
}

Coro<std::string> ask(std::string host, std::string question) {
  auto [reader, writer] = co_await open_connection(std::move(host), 80);
  writer.write(question);
  writer.write_eof();
  std::string answer = co_await reader.read();
  writer.close();
  co_return answer;
}

// Two hosts, and an echo server on the second.
class TwoHosts : public testing::AsyncFixture {
 protected:
  Coro<> set_up() override {
    network = std::make_unique<Network>();
    alpha.emplace(network->host("alpha"));
    beta.emplace(network->host("beta"));
    server = co_await beta->run(start_server(echo, "0.0.0.0", 80));
  }
  Coro<> tear_down() override {
    server.close();
    co_await server.wait_closed();
    co_await testing::all_tasks_blocked();  // the handlers end
  }
  std::unique_ptr<Network> network;
  std::optional<Host> alpha;
  std::optional<Host> beta;
  Server server;
};

ASYNCIO_TEST_F(TwoHosts, reach_each_other_by_name_and_nobody_else_does) {
  EXPECT_EQ(co_await alpha->run(ask("beta", "hello")), "hello");
  EXPECT_EQ(co_await alpha->run(ask(beta->address(), "hello")), "hello");
  EXPECT_EQ(co_await error_of(alpha->run(ask("localhost", "hello"))),
            "ConnectionRefusedError: [Errno 111] Connect call failed ('127.0.0.1', 80)");
  EXPECT_EQ(co_await alpha->create_task(ask, "beta", "task"), "task");
  const auto here = beta->enter();
  EXPECT_EQ(co_await ask("localhost", "on the same host"), "on the same host");
}

ASYNCIO_TEST_F(TwoHosts, need_the_time_that_their_link_takes) {
  network->set_link(*alpha, *beta, {.latency = 50ms});
  const TimePoint start = get_running_loop().time();
  EXPECT_EQ(co_await alpha->run(ask("beta", "hello")), "hello");
  EXPECT_EQ(get_running_loop().time() - start, 200ms);  // two round trips
}

ASYNCIO_TEST_F(TwoHosts, wait_for_the_end_of_a_partition) {
  network->partition(*alpha, *beta);
  auto task = alpha->create_task(ask("beta", "hello"));
  co_await sleep(10s);
  EXPECT_FALSE(task.done());
  network->heal();
  EXPECT_EQ(co_await task, "hello");
}

ASYNCIO_TEST_F(TwoHosts, both_learn_of_a_reset) {
  const auto here = alpha->enter();
  auto [reader, writer] = co_await open_connection("beta", 80);
  co_await testing::all_tasks_blocked();
  network->reset(*alpha, *beta);
  EXPECT_EQ(co_await error_of(reader.read()),
            "ConnectionResetError: [Errno 104] Connection reset by peer");
}

ASYNCIO_TEST_F(TwoHosts, fail_to_find_a_name_when_told_so) {
  network->fail_name("beta", EAI_AGAIN);
  network->set_name_delay(5s);
  const TimePoint start = get_running_loop().time();
  EXPECT_EQ((co_await error_of(alpha->run(ask("beta", "hello"))))
                .find("GaiError: [Errno -3] Temporary failure in name resolution"),
            0U);
  EXPECT_EQ(get_running_loop().time() - start, 5s);
  network->fail_name("beta", 0);
  network->add_name("www.example", {beta->address()});
  EXPECT_EQ(co_await alpha->run(ask("www.example", "hello")), "hello");
}

TEST(NetworkOutside, is_refused_where_the_loop_has_none) {
  EXPECT_EQ(describe(testing::run(
                         []() -> Coro<> {
                           static_cast<void>(Network());
                           co_return;
                         }(),
                         {.simulated_network = false})
                         .error)
                .substr(0, 60),
            "RuntimeError: the running loop has no simulated network\n  in");
}

Coro<> talk() {
  Network network;
  network.set_link({.latency = 1ms, .jitter = 10ms, .loss = 0.05});
  const Host alpha = network.host("alpha");
  const Host beta = network.host("beta");
  Server server = co_await beta.run(start_server(echo, "0.0.0.0", 80));
  std::vector<Task<std::string>> tasks;
  for (int i = 0; i < 5; ++i)
    tasks.push_back(alpha.create_task(ask("beta", std::string(5000, 'x'))));
  for (auto& task : tasks) EXPECT_EQ((co_await task).size(), 5000U);
  server.close();
  co_await server.wait_closed();
}

TEST(NetworkSeeds, the_same_seed_gives_the_same_trace_hash) {
  const auto hash = [](std::uint64_t seed) {
    const testing::RunResult result = testing::run(talk(), {.seed = seed});
    EXPECT_TRUE(result.ok()) << result.message();
    return result.trace_hash;
  };
  EXPECT_EQ(hash(1), hash(1));
  EXPECT_NE(hash(1), hash(2));
}

}  // namespace
}  // namespace asyncio
