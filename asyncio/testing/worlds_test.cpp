// Clients, a server and a queue in thousands of simulated worlds: whatever the network does, each
// request ends exactly once, nothing is left behind, and the same seed gives the same trace.
#include <gtest/gtest.h>

#include <cstdlib>
#include <map>
#include <string>
#include <vector>

#include "asyncio/base/random.hpp"
#include "asyncio/testing.hpp"

using namespace std::chrono_literals;

namespace asyncio {
namespace {

using detail::Random;

#ifdef NDEBUG
constexpr std::uint64_t kSeeds = 10'000;
#else
constexpr std::uint64_t kSeeds = 200;  // slow builds look for other things
#endif

std::uint64_t seeds_to_run() {
  const char* const value = std::getenv("ASYNCIO_WORLDS");
  return value != nullptr ? std::strtoull(value, nullptr, 10) : kSeeds;
}

struct Request {
  int number;
  Future<int> answer;
};

struct World {
  explicit World(std::uint64_t seed) : random(seed) {}
  Random random;
  Queue<Request> queue{3};
  std::map<int, int> ends;  // of each request: how often
  int answered = 0;

  Duration up_to(Duration longest) {
    return Duration(random.below(static_cast<std::uint64_t>(longest.count())));
  }
};

Coro<> work(World& world) {
  try {
    for (;;) {
      const Request request = co_await world.queue.get();
      co_await sleep(world.up_to(20ms));
      request.answer.set_result(request.number * 2);
      world.queue.task_done();
    }
  } catch (const QueueShutDown&) {}
}

Coro<> serve(World& world, StreamReader reader, StreamWriter writer) {
  try {
    for (;;) {
      const std::string line = co_await reader.readline();
      if (!line.ends_with('\n')) break;
      const Request request{std::stoi(line), Future<int>()};
      co_await world.queue.put(request);
      const int answer = co_await request.answer;
      writer.write(std::to_string(answer) + "\n");
      co_await writer.drain();
    }
  } catch (const OSError&) {       // this client is gone
  } catch (const TimeoutError&) {  // or cut off for too long
  }
  writer.close();
}

Coro<int> ask(int number) {
  auto [reader, writer] = co_await open_connection("server", 80);
  writer.write(std::to_string(number) + "\n");
  const std::string line = co_await reader.readline();
  if (!line.ends_with('\n')) throw OSError(ECONNRESET, "readline");
  writer.close();
  co_return std::stoi(line);
}

Coro<> make_requests(World& world, int first) {
  for (int number = first; number < first + 4; ++number) {
    bool is_answered = false;
    for (int attempt = 0; attempt < 4 && !is_answered; ++attempt) {
      try {
        EXPECT_EQ(co_await wait_for(ask(number), 1s), number * 2);
        is_answered = true;
      } catch (const OSError&) {
      } catch (const TimeoutError&) {}
    }
    ++world.ends[number];
    if (is_answered) ++world.answered;
  }
}

Coro<> disturb(World& world, testing::Network network, std::vector<testing::Host> clients) {
  const testing::Host server = network.host("server");
  for (int i = 0; i < 4; ++i) {
    co_await sleep(world.up_to(100ms));
    const testing::Host& victim = clients[world.random.below(clients.size())];
    switch (world.random.below(3)) {
      case 0:
        network.reset(victim, server);
        break;
      case 1:
        network.partition(victim, server);
        co_await sleep(world.up_to(3s));
        network.heal();
        break;
      default:
        network.set_link(victim, server, {.latency = 20ms, .jitter = 20ms, .loss = 0.1});
    }
  }
}

Coro<> live(World& world) {
  testing::Network network;
  network.set_link({.latency = world.up_to(5ms),
                    .jitter = world.up_to(5ms),
                    .bytes_per_second = world.random.chance(0.2) ? 2000U : 0U,
                    .loss = 0.02,
                    .reset = 0.01});
  std::vector<testing::Host> clients;
  for (const char* name : {"one", "two", "three"}) clients.push_back(network.host(name));
  const auto handler = [&world](StreamReader reader, StreamWriter writer) -> Coro<> {
    co_await serve(world, std::move(reader), std::move(writer));
  };
  Server server = co_await network.host("server").run(start_server(handler, "0.0.0.0", 80));
  std::vector<Task<>> workers{create_task(work(world)), create_task(work(world))};

  std::vector<Task<>> tasks{create_task(disturb(world, network, clients))};
  for (std::size_t i = 0; i < clients.size(); ++i)
    tasks.push_back(clients[i].create_task(make_requests(world, 100 * static_cast<int>(i))));
  for (Task<>& task : tasks) co_await task;

  network.heal();
  server.close();
  server.abort_clients();
  co_await server.wait_closed();
  co_await testing::all_tasks_blocked();
  co_await world.queue.join();
  co_await sleep(1s);  // the last handlers
  world.queue.shutdown();
  for (Task<>& task : workers) co_await task;
}

struct Verdict {
  std::uint64_t trace_hash;
  int answered;
};

Verdict verdict_of(std::uint64_t seed) {
  World world(seed);
  const testing::RunResult result = testing::run(live(world), {.seed = seed});
  EXPECT_TRUE(result.ok()) << result.message();
  EXPECT_EQ(world.ends.size(), 12U) << "seed " << seed;
  for (const auto& [number, times] : world.ends)
    EXPECT_EQ(times, 1) << "request " << number << ", seed " << seed;
  return {result.trace_hash, world.answered};
}

TEST(Worlds, end_each_request_exactly_once_whatever_the_network_does) {
  const std::uint64_t seeds = seeds_to_run();
  std::uint64_t answered = 0;
  for (std::uint64_t seed = 1; seed <= seeds && !HasFailure(); ++seed) {
    const Verdict verdict = verdict_of(seed);
    answered += static_cast<std::uint64_t>(verdict.answered);
    if (seed % 50 == 0) EXPECT_EQ(verdict_of(seed).trace_hash, verdict.trace_hash);
  }
  EXPECT_GT(answered, 10 * seeds);  // the network is bad, not dead
  EXPECT_LT(answered, 12 * seeds);
}

}  // namespace
}  // namespace asyncio
