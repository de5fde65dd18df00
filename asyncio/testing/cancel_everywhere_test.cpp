// Whatever can be awaited, cancelled at each of its suspensions, on real sockets, processes and
// threads: nothing hangs, no task and no descriptor is left. What stays inside of the loop, and
// streams over the simulated network, are in allocations_test.cpp.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <memory>
#include <string>

#include "asyncio/testing.hpp"
#include "asyncio/testing/certificates.hpp"

using namespace std::chrono_literals;

namespace asyncio {
namespace {

struct Scenario {
  const char* name;
  Coro<> (*run)();
};

void PrintTo(const Scenario& scenario, std::ostream* out) { *out << scenario.name; }

class CancelledForReal : public ::testing::TestWithParam<Scenario> {};

TEST_P(CancelledForReal, everywhere_leaves_nothing_behind) {
  // The first use of some things opens files that stay.
  static_cast<void>(testing::run(GetParam().run(), {.simulated_network = false}));
  Coro<> (*const scenario)() = GetParam().run;

  const testing::RunResult result =
      testing::run(testing::cancel_everywhere(scenario), {.simulated_network = false});

  EXPECT_TRUE(result.ok()) << result.message();
}

// ---- sockets

Coro<> echo(StreamReader reader, StreamWriter writer) {
  writer.write(co_await reader.readline());
  co_await writer.drain();
  writer.close();
  co_await writer.wait_closed();
}

Coro<> talk(Connection connection) {
  auto [reader, writer] = std::move(connection);
  writer.write("question\n");
  co_await writer.drain();
  EXPECT_EQ(co_await reader.readline(), "question\n");
  EXPECT_EQ(co_await reader.read(), "");
  writer.close();
  co_await writer.wait_closed();
}

Coro<> ends(Server server) {
  server.close();
  server.abort_clients();
  co_await server.wait_closed();
}

Coro<> speaks_by_tcp() {
  Server server = co_await start_server(echo, "127.0.0.1", 0);
  const int port = server.sockets().at(0).port();
  co_await try_finally(
      [port]() -> Coro<> { co_await talk(co_await open_connection("127.0.0.1", port)); },
      [&server]() -> Coro<> { co_await ends(server); });
}
Coro<> writes_more_than_fits() {
  auto pair = detail::make_stream_pair(get_running_loop());
  auto reading =
      create_task([](StreamReader reader) -> Coro<> { co_await reader.readexactly(3'000'000); },
                  std::move(pair.second.reader));
  pair.first.writer.write(std::string(3'000'000, 'x'));
  co_await pair.first.writer.drain();
  co_await reading;
}
Coro<> speaks_by_tls() {
  static const testing::TestAuthority authority;
  static const testing::CertificateFiles files = authority.issue();
  auto server_context = ssl::create_default_context(ssl::Purpose::CLIENT_AUTH);
  server_context.load_cert_chain(files.certfile, files.keyfile);
  auto client_context =
      ssl::create_default_context(ssl::Purpose::SERVER_AUTH, {.cafile = authority.cafile()});
  Server server = co_await start_server(echo, "127.0.0.1", 0, {.ssl = server_context});
  const int port = server.sockets().at(0).port();
  co_await try_finally(
      [&]() -> Coro<> {
        co_await talk(co_await open_connection("127.0.0.1", port, {.ssl = client_context}));
      },
      [&server]() -> Coro<> { co_await ends(server); });
}
Coro<> sends_a_datagram() {
  auto receiver = co_await open_datagram({.local_host = "127.0.0.1"});
  auto sender = co_await open_datagram();
  co_await sender.sendto("ping", receiver.address());
  EXPECT_EQ((co_await receiver.recvfrom()).data, "ping");
}
Coro<> resolves_a_name() { EXPECT_FALSE((co_await resolve("localhost", 80)).empty()); }

// ---- processes, pipes and files

Coro<> runs_a_process() {
  auto process = co_await create_subprocess_exec({"cat"}, {.in = PIPE, .out = PIPE});
  co_await with(process,
                [&]() -> Coro<> { EXPECT_EQ((co_await process.communicate("text")).out, "text"); });
}
Coro<> waits_for_a_process() {
  auto process = co_await create_subprocess_shell("exit 3");
  co_await with(process, [&]() -> Coro<> { EXPECT_EQ(co_await process.wait(), 3); });
}
Coro<> writes_and_reads_a_file() {
  static const std::string path = "/tmp/asyncio_cancel_" + std::to_string(::getpid());
  co_await try_finally(
      []() -> Coro<> {
        co_await write_file(path, "one\ntwo\n");
        co_await with(co_await open_file(path),
                      [](File& file) -> Coro<> { EXPECT_EQ(co_await file.readline(), "one\n"); });
        EXPECT_TRUE(co_await os::exists(path));
      },
      []() -> Coro<> {
        ::unlink(path.c_str());
        co_return;
      });
}

// ---- threads

Coro<> works_in_a_thread() {
  EXPECT_EQ(co_await to_thread([] { return 7; }), 7);
}
Coro<> gets_from_a_thread() {
  const auto queue = std::make_shared<CrossQueue<int>>(1);
  auto putting = create_task(
      [](std::shared_ptr<CrossQueue<int>> each) -> Coro<> {
        for (int i = 0; i < 3; ++i) co_await each->put(i);
      },
      queue);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(co_await queue->get(), i);
  co_await putting;
}

#define SCENARIO(name) \
  Scenario { #name, name }
INSTANTIATE_TEST_SUITE_P(Awaitables, CancelledForReal,
                         ::testing::Values(SCENARIO(speaks_by_tcp), SCENARIO(writes_more_than_fits),
                                           SCENARIO(speaks_by_tls), SCENARIO(sends_a_datagram),
                                           SCENARIO(resolves_a_name), SCENARIO(runs_a_process),
                                           SCENARIO(waits_for_a_process),
                                           SCENARIO(writes_and_reads_a_file),
                                           SCENARIO(works_in_a_thread),
                                           SCENARIO(gets_from_a_thread)),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace asyncio
