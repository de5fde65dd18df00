// What every kind of wait is called, from inside (capture_call_graph) and from outside (inspect):
// who holds, who is the peer, which process.
// tsan
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <future>
#include <string>
#include <vector>

#include "asyncio/asyncio.hpp"
#include "asyncio/debug/inspect.hpp"
#include "asyncio/testing.hpp"
#include "tests/support.hpp"

using namespace std::chrono_literals;

namespace asyncio {
namespace {

// "Lock.acquire (held by Task-1)"
std::string text_of(const std::string& what, const std::string& detail) {
  return what + (detail.empty() ? "" : " (" + detail + ")");
}
std::string seen_from_inside(const AnyTask& task) {
  const FutureCallGraph graph = capture_call_graph(task);
  return text_of(graph.waits_for, graph.detail);
}
std::string seen_from_outside(const AnyTask& task) {
  for (const debug::SeenLoop& loop : debug::inspect(::getpid()).loops)
    for (const debug::SeenTask& seen : loop.tasks)
      if (seen.name == task.get_name())
        return text_of(seen.waits_for,
                       seen.holder.empty() ? seen.detail : "held by " + seen.holder);
  return "no task " + task.get_name();
}

class Waits {
 public:
  template <class F>
  AnyTask start(F function) {
    auto task = create_task(std::move(function));
    task.set_name("waits " + std::to_string(tasks_.size()));
    tasks_.push_back(task);
    return task;
  }
  Coro<> end() {
    for (const AnyTask& task : tasks_) task.cancel();
    co_await wait(tasks_);
    for (const AnyTask& task : tasks_)
      if (!task.cancelled()) static_cast<void>(task.exception());
  }

 private:
  std::vector<AnyTask> tasks_;
};

void expect_both(const AnyTask& task, const std::string& text) {
  EXPECT_EQ(seen_from_inside(task), text);
  EXPECT_EQ(seen_from_outside(task), text);
}

ASYNCIO_TEST(Waits, for_locks_and_queues_have_their_names) {
  Lock lock;
  Semaphore seats(0);
  Condition condition;
  Event event;
  Queue<int> empty, full(1);
  full.put_nowait(1);
  Barrier barrier(2);
  current_task()->set_name("main");
  co_await lock.acquire();
  Waits waits;
  const AnyTask on_lock = waits.start([&]() -> Coro<> { co_await lock.acquire(); });
  const AnyTask on_seats = waits.start([&]() -> Coro<> { co_await seats.acquire(); });
  const AnyTask on_event = waits.start([&]() -> Coro<> { co_await event.wait(); });
  const AnyTask on_get = waits.start([&]() -> Coro<> { co_await empty.get(); });
  const AnyTask on_put = waits.start([&]() -> Coro<> { co_await full.put(2); });
  const AnyTask on_join = waits.start([&]() -> Coro<> { co_await full.join(); });
  const AnyTask on_barrier = waits.start([&]() -> Coro<> { co_await barrier.wait(); });
  const AnyTask on_condition = waits.start([&]() -> Coro<> {
    auto held = co_await condition.scoped();
    co_await condition.wait();
  });
  co_await testing::all_tasks_blocked();

  expect_both(on_lock, "Lock.acquire (held by main)");
  expect_both(on_seats, "Semaphore.acquire");
  expect_both(on_event, "Event.wait");
  expect_both(on_get, "Queue.get");
  expect_both(on_put, "Queue.put");
  expect_both(on_join, "Queue.join");
  expect_both(on_barrier, "Condition.wait");  // below Barrier::wait, which is in the stack
  expect_both(on_condition, "Condition.wait");
  EXPECT_EQ(capture_call_graph(on_barrier).call_stack.at(2).frame.function, "Barrier::wait");
  lock.release();
  co_await waits.end();
}

TEST(Waits, for_a_stream_have_its_fd_and_its_peer) {
  run([]() -> Coro<> {
    Server server = co_await start_server(
        [](StreamReader reader, StreamWriter) -> Coro<> { co_await reader.read(); }, "127.0.0.1",
        0);
    const Address there = server.sockets().at(0);
    auto [reader, writer] = co_await open_connection("127.0.0.1", there.port());
    const std::string peer =
        " (fd " + std::to_string(writer.transport().fileno()) + ", peer " + there.repr() + ")";
    Waits waits;
    const AnyTask reads = waits.start([&]() -> Coro<> { co_await reader.readline(); });
    const AnyTask serves = waits.start([&]() -> Coro<> { co_await server.serve_forever(); });
    const AnyTask closes = waits.start([&]() -> Coro<> { co_await server.wait_closed(); });
    co_await testing::all_tasks_blocked();

    expect_both(reads, "StreamReader.readline" + peer);
    expect_both(serves, "Server.serve_forever");
    expect_both(closes, "Server.wait_closed");

    const AnyTask drains = waits.start([&]() -> Coro<> {
      writer.transport().set_write_buffer_limits({.high = 0});
      for (;;) {
        writer.write(std::string(1 << 20, 'x'));
        co_await writer.drain();
      }
    });
    reads.cancel();
    // The server does not read on: its limit is reached.
    while (!seen_from_inside(drains).starts_with("StreamWriter.drain")) co_await sleep(0s);

    expect_both(drains, "StreamWriter.drain" + peer);
    server.abort_clients();
    co_await waits.end();
    server.close();
  }());
}

TEST(Waits, for_a_program_have_its_pid) {
  run([]() -> Coro<> {
    Process process = co_await create_subprocess_exec({"sleep", "1000"});
    Waits waits;
    const AnyTask task = waits.start([&]() -> Coro<> { co_await process.wait(); });
    co_await testing::all_tasks_blocked();

    expect_both(task, "Process.wait (pid " + std::to_string(process.pid()) + ")");
    process.kill();
    co_await process.wait();
  }());
}

TEST(Waits, for_a_thread_and_for_a_file_are_told_apart) {
  char folder[] = "/tmp/asyncio_waits_XXXXXX";
  ASSERT_NE(::mkdtemp(folder), nullptr);
  const std::string fifo = std::string(folder) + "/fifo";
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  run([](std::string path) -> Coro<> {
    std::promise<void> gate;
    std::shared_future<void> opened = gate.get_future().share();
    Waits waits;
    const AnyTask thread =
        waits.start([=]() -> Coro<> { co_await to_thread([=] { opened.wait(); }); });
    const AnyTask file = waits.start([=]() -> Coro<> { auto read = co_await open_file(path); });
    for (int i = 0; i < 3; ++i) co_await sleep(0s);

    expect_both(thread, "run_in_executor");
    expect_both(file, "file");
    gate.set_value();
    const int writer =
        ::open(path.c_str(), O_RDWR | O_NONBLOCK);  // whoever opens it to read goes on
    co_await wait({thread, file});
    ::close(writer);
  }(fifo));
  ::unlink(fifo.c_str());
  ::rmdir(folder);
}

TEST(Waits, for_a_name_server_are_a_look_up) {
  run([]() -> Coro<> {
    DatagramSocket mute = co_await open_datagram({.local_host = "127.0.0.1"});
    get_running_loop().set_default_resolver(make_resolver(
        {.servers = {"127.0.0.1:" + std::to_string(mute.address().port())}, .hosts_file = ""}));
    Waits waits;
    const AnyTask task = waits.start(
        []() -> Coro<> { co_await get_running_loop().getaddrinfo("a.name.example", 80); });
    for (int i = 0; i < 5; ++i) co_await sleep(0s);

    expect_both(task, "name look-up");
    co_await waits.end();
  }());
}

ASYNCIO_TEST(Waits, for_a_connection_and_its_handshake_are_told_apart) {
  testing::Network network;
  const auto server_host = network.host("server"), client = network.host("client");
  network.set_link(server_host, client, {.latency = 10s});
  Server mute = co_await server_host.run(start_server(
      [](StreamReader reader, StreamWriter) -> Coro<> { co_await reader.read(); }, "0.0.0.0", 80));
  auto connects = client.create_task([]() -> Coro<> {
    co_await open_connection("server", 80, {.ssl = ssl::create_default_context()});
  });
  co_await testing::all_tasks_blocked();

  expect_both(connects, "connect");
  co_await sleep(21s);
  expect_both(connects, "TLS handshake");
  connects.cancel();
  co_await wait({connects});
  mute.close();
  mute.abort_clients();
}

}  // namespace
}  // namespace asyncio
