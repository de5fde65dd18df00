#include "asyncio/net/servers.hpp"

#include <sys/resource.h>
#include <sys/wait.h>

#include <cerrno>
#include <cstdio>
#include <memory>
#include <vector>

#include "asyncio/combinators/timeouts.hpp"
#include "asyncio/combinators/with.hpp"
#include "asyncio/io/backend.hpp"
#include "asyncio/net/internal/test_support.hpp"

namespace asyncio {
namespace {

using namespace net_test;

Coro<> echo(StreamReader reader, StreamWriter writer) {
  for (;;) {
    const std::string data = co_await reader.read(1000);
    if (data.empty()) break;
    writer.write(data);
    co_await writer.drain();
  }
  writer.close();
}

Coro<std::string> ask(int port, std::string question) {
  auto [reader, writer] = co_await open_connection("127.0.0.1", port);
  writer.write(question);
  writer.write_eof();
  co_return co_await reader.read();
}

int port_of(const Server& server) { return server.sockets()[0].port(); }

TEST(Server, serves_many_clients_at_once) {
  run([]() -> Coro<> {
    Server server = co_await start_server(echo, "127.0.0.1", 0);
    EXPECT_TRUE(server.is_serving());
    EXPECT_EQ(&server.get_loop(), &get_running_loop());
    std::vector<Task<std::string>> answers;
    for (int i = 0; i < 50; ++i)
      answers.push_back(create_task(ask(port_of(server), std::to_string(i))));
    for (int i = 0; i < 50; ++i)
      EXPECT_EQ(co_await answers[static_cast<std::size_t>(i)], std::to_string(i));
    server.close();
    co_await server.wait_closed();
  }());
}

TEST(Server, close_stops_listening_and_leaves_connections_alone) {
  run([]() -> Coro<> {
    Server server = co_await start_server(echo, "127.0.0.1", 0);
    const int port = port_of(server);
    auto [reader, writer] = co_await open_connection("127.0.0.1", port);
    server.close();
    EXPECT_FALSE(server.is_serving());
    EXPECT_TRUE(server.sockets().empty());
    EXPECT_EQ(co_await error_of(open_connection("127.0.0.1", port)),
              "ConnectionRefusedError: [Errno 111] Connect call failed ('127.0.0.1', " +
                  std::to_string(port) + ")");
  }());
}

TEST(Server, wait_closed_waits_for_the_last_connection) {
  run([]() -> Coro<> {
    Ends ends = co_await connected();
    Task<> closed = create_task(ends.server.wait_closed());
    co_await pass(3);
    EXPECT_FALSE(closed.done());
    ends.server.close();
    co_await pass(3);
    EXPECT_FALSE(closed.done());
    ends.served.writer.close();
    co_await closed;
  }());
}

TEST(Server, cancelling_one_wait_for_the_end_disturbs_no_other) {
  run([]() -> Coro<> {
    Ends ends = co_await connected();
    ends.server.close();
    Task<> first = create_task(ends.server.wait_closed());
    Task<> second = create_task(ends.server.wait_closed());
    co_await pass(2);
    first.cancel();
    co_await pass(2);
    EXPECT_TRUE(first.cancelled());
    EXPECT_FALSE(second.done());
    ends.served.writer.close();
    co_await second;
  }());
}

TEST(Server, close_clients_sends_what_is_buffered_and_abort_clients_drops_it) {
  run([]() -> Coro<> {
    for (const bool flushes : {true, false}) {
      Ends ends = co_await connected();
      const std::size_t size = 20'000'000;
      ends.served.writer.write(std::string(size, 'x'));
      ends.server.close();
      flushes ? ends.server.close_clients() : ends.server.abort_clients();
      std::size_t got = 0;
      for (;;) {
        const std::string part = co_await ends.client.reader.read(1'000'000);
        if (part.empty()) break;
        got += part.size();
      }
      EXPECT_EQ(got == size, flushes) << got;
      co_await ends.server.wait_closed();
    }
  }());
}

// Otherwise one bad client would end the accept loop, or hang for ever.
TEST(Server, shutdown_lets_clients_end_then_closes_then_aborts_them) {
  run([]() -> Coro<> {
    // One ends by itself, one waits for ever, one has more to send than anybody takes.
    std::vector<std::string> ends;
    auto handle = [&](StreamReader reader, StreamWriter writer) -> Coro<> {
      const std::string wish = co_await reader.readexactly(1);
      if (wish == "3") writer.write(std::string(8'000'000, 'x'));
      const std::string rest = co_await reader.read();
      ends.push_back(wish + rest);
    };
    Server server = co_await start_server(handle, "127.0.0.1", 0);
    std::vector<Connection> clients;
    for (const char* wish : {"1", "2", "3"}) {
      clients.push_back(co_await open_connection("127.0.0.1", port_of(server)));
      clients.back().writer.write(wish);
    }
    co_await clients[2].reader.read_view();  // all handlers run
    Task<> shutdown = create_task(server.shutdown(50ms, 50ms));
    co_await pass();
    EXPECT_FALSE(server.is_serving());
    clients[0].writer.close();
    EXPECT_EQ(co_await clients[1].reader.read(), "");  // closed for it
    EXPECT_FALSE(shutdown.done());                     // the third is not through
    co_await shutdown;
    const std::string lost = co_await error_of(clients[2].reader.read());
    EXPECT_TRUE(lost.empty() || lost.find("ConnectionResetError") == 0U) << lost;
    co_await pass(3);
    EXPECT_EQ(ends.front(), "1");
  }());
}

TEST(Server, shutdown_ends_at_once_where_nobody_is_connected) {
  run([]() -> Coro<> {
    Server server = co_await start_server(echo, "127.0.0.1", 0);
    co_await server.shutdown(1h, 1h);
    EXPECT_TRUE(server.sockets().empty());
  }());
}

TEST(Server, listens_on_the_family_that_was_asked_for) {
  run([]() -> Coro<> {
    ServerOptions options;
    options.family = Address::Family::ipv4;
    Server four = co_await start_server(echo, "", 0, options);
    EXPECT_EQ(four.sockets().size(), 1U);
    EXPECT_EQ(four.sockets().at(0).host(), "0.0.0.0");
    four.close();
  }());
}

TEST(Server, a_handler_that_fails_loses_its_own_connection_only) {
  run([]() -> Coro<> {
    std::vector<std::string> reports;
    get_running_loop().set_exception_handler([&](Loop&, const ExceptionContext& context) {
      reports.push_back(context.message + " | " + describe(context.exception));
    });
    const auto handler = [](StreamReader reader, StreamWriter writer) -> Coro<> {
      if (co_await reader.readexactly(4) == "fail") throw ValueError("bad client");
      writer.write("fine");
    };
    Server server = co_await start_server(handler, "127.0.0.1", 0);
    EXPECT_EQ(co_await ask(port_of(server), "fail"), "");
    EXPECT_EQ(co_await ask(port_of(server), "good"), "fine");
    EXPECT_EQ(reports, (std::vector<std::string>{
                           "Unhandled exception in client_connected_cb | ValueError: bad client"}));
    server.close();
    co_await server.wait_closed();
  }());
}

TEST(Server, a_handler_that_fails_loses_its_connection_whoever_holds_the_handles) {
  run([]() -> Coro<> {
    get_running_loop().set_exception_handler([](Loop&, const ExceptionContext&) {});
    std::optional<StreamWriter> kept;
    const auto handler = [&](StreamReader reader, StreamWriter writer) -> Coro<> {
      static_cast<void>(co_await reader.read());
      kept = std::move(writer);
      throw ValueError("after giving it away");
    };
    Server server = co_await start_server(handler, "127.0.0.1", 0);
    EXPECT_EQ(co_await ask(port_of(server), "x"), "");
    EXPECT_TRUE(kept->is_closing());
  }());
}

TEST(Server, a_cancelled_handler_closes_its_connection_silently) {
  run([]() -> Coro<> {
    int reports = 0;
    get_running_loop().set_exception_handler([&](Loop&, const ExceptionContext&) { ++reports; });
    std::optional<AnyTask> task;
    const auto handler = [&](StreamReader reader, StreamWriter) -> Coro<> {
      task = current_task();
      static_cast<void>(co_await reader.read());
    };
    Server server = co_await start_server(handler, "127.0.0.1", 0);
    auto [reader, writer] = co_await open_connection("127.0.0.1", port_of(server));
    EXPECT_TRUE(co_await eventually([&] { return task.has_value(); }));
    co_await pass();
    task->cancel();
    EXPECT_EQ(co_await reader.read(), "");
    EXPECT_EQ(reports, 0);
    server.close();
  }());
}

TEST(Server, serve_forever_ends_with_its_cancellation_and_closes) {
  run([]() -> Coro<> {
    Server server = co_await start_server(echo, "127.0.0.1", 0, {.start_serving = false});
    EXPECT_FALSE(server.is_serving());
    Task<> serving = create_task(server.serve_forever());
    co_await pass(2);
    EXPECT_TRUE(server.is_serving());
    EXPECT_EQ(co_await ask(port_of(server), "x"), "x");
    EXPECT_NE((co_await error_of(server.serve_forever())).find("already being awaited"),
              std::string::npos);
    serving.cancel();
    EXPECT_EQ(co_await error_of(serving), "CancelledError");
    EXPECT_FALSE(server.is_serving());
    EXPECT_NE((co_await error_of(server.serve_forever())).find("is closed"), std::string::npos);
  }());
}

TEST(Server, is_a_context_manager_that_closes_at_the_end) {
  run([]() -> Coro<> {
    Server server = co_await start_server(echo, "127.0.0.1", 0);
    co_await with(server, [&]() -> Coro<> { EXPECT_EQ(co_await ask(port_of(server), "a"), "a"); });
    EXPECT_FALSE(server.is_serving());
  }());
}

TEST(Server, goes_on_serving_when_its_handle_is_dropped) {
  run([]() -> Coro<> {
    const int port = port_of(co_await start_server(echo, "127.0.0.1", 0));
    EXPECT_EQ(co_await ask(port, "x"), "x");
  }());
}

TEST(Server, a_taken_port_is_an_error_in_pythons_words) {
  run([]() -> Coro<> {
    Server server = co_await start_server(echo, "127.0.0.1", 0);
    const int port = port_of(server);
    EXPECT_EQ(co_await error_of(start_server(echo, "127.0.0.1", port)),
              "OSError: [Errno 98] error while attempting to bind on address ('127.0.0.1', " +
                  std::to_string(port) + "): address already in use");
    ServerOptions sharing;
    sharing.reuse_port = true;
    Server one = co_await start_server(echo, "127.0.0.1", 0, sharing);
    Server two = co_await start_server(echo, "127.0.0.1", port_of(one), sharing);
    EXPECT_EQ(port_of(one), port_of(two));
  }());
}

TEST(Server, holds_further_clients_back_at_its_connection_limit) {
  run([]() -> Coro<> {
    Server server = co_await start_server(echo, "127.0.0.1", 0, {.max_connections = 1});
    auto [reader, writer] = co_await open_connection("127.0.0.1", port_of(server));
    writer.write("1");
    EXPECT_EQ(co_await reader.read(1), "1");
    Task<std::string> second = create_task(ask(port_of(server), "2"));
    co_await sleep(20ms);
    EXPECT_FALSE(second.done());
    writer.close();
    EXPECT_EQ(co_await second, "2");
  }());
}

TEST(UnixServer, serves_on_a_path_and_removes_it) {
  const std::string path = "/tmp/asyncio_server_test_" + std::to_string(::getpid()) + ".sock";
  run([](const std::string& at) -> Coro<> {
    for (int i = 0; i < 2; ++i) {
      Server server = co_await start_unix_server(echo, at);
      EXPECT_EQ(server.sockets()[0].path(), at);
      auto [reader, writer] = co_await open_unix_connection(at);
      writer.write("over a path\n");
      EXPECT_EQ(co_await reader.readline(), "over a path\n");
      server.close();
      struct stat status{};
      EXPECT_NE(::stat(at.c_str(), &status), 0);
    }
    EXPECT_EQ(co_await error_of(open_unix_connection(at)),
              "FileNotFoundError: [Errno 2] No such file or directory");
  }(path));
}

TEST(UnixServer, leaves_its_path_where_told_to) {
  run([]() -> Coro<> {
    const std::string path =
        (std::filesystem::temp_directory_path() / ("kept." + std::to_string(::getpid()))).string();
    Server server = co_await start_unix_server(echo, path, {.cleanup_socket = false});
    server.close();
    co_await server.wait_closed();
    EXPECT_TRUE(std::filesystem::exists(path));
    std::filesystem::remove(path);
  }());
}

TEST(UnixServer, serves_in_the_abstract_namespace) {
  run([]() -> Coro<> {
    const std::string name = std::string(1, '\0') + "asyncio_test_" + std::to_string(::getpid());
    Server server = co_await start_unix_server(echo, name);
    auto [reader, writer] = co_await open_unix_connection(name);
    writer.write("x");
    EXPECT_EQ(co_await reader.read(1), "x");
  }());
}

// ---- protocols

struct Log : Protocol {
  explicit Log(std::vector<std::string>& to) : events(to) {}
  void connection_made(Transport& transport) override {
    own = &transport;
    events.push_back("made");
  }
  void data_received(std::string_view data) override {
    events.push_back("data " + std::string(data));
    if (data == "throw") throw ValueError("in data_received");
    own->write(data);
  }
  bool eof_received() override {
    events.push_back("eof");
    return false;
  }
  void connection_lost(std::exception_ptr error) override {
    events.push_back("lost " + (error ? describe(error) : std::string("cleanly")));
  }
  std::vector<std::string>& events;
  Transport* own = nullptr;
};

TEST(Protocols, hear_of_everything_in_order) {
  run([]() -> Coro<> {
    std::vector<std::string> events;
    Server server = co_await get_running_loop().create_server(
        [&] { return std::make_shared<Log>(events); }, "127.0.0.1", 0);
    EXPECT_EQ(co_await ask(port_of(server), "ping"), "ping");
    EXPECT_TRUE(co_await eventually([&] { return events.size() == 4; }));
    EXPECT_EQ(events, (std::vector<std::string>{"made", "data ping", "eof", "lost cleanly"}));
  }());
}

TEST(Protocols, one_that_throws_is_reported_and_disconnected) {
  run([]() -> Coro<> {
    std::vector<std::string> events;
    get_running_loop().set_exception_handler(
        [&](Loop&, const ExceptionContext& context) { events.push_back(context.message); });
    Server server = co_await get_running_loop().create_server(
        [&] { return std::make_shared<Log>(events); }, "127.0.0.1", 0);
    EXPECT_EQ(co_await ask(port_of(server), "throw"), "");
    EXPECT_TRUE(co_await eventually([&] { return events.size() == 4; }));
    EXPECT_EQ(events[2], "Fatal error: protocol.data_received() call failed.");
    EXPECT_EQ(events[3], "lost ValueError: in data_received");
  }());
}

struct Buffered : BufferedProtocol {
  void connection_made(Transport& transport) override { own = &transport; }
  std::span<char> get_buffer(std::size_t) override { return room; }
  void buffer_updated(std::size_t size) override { own->write({room.data(), size}); }
  std::array<char, 3> room;
  Transport* own = nullptr;
};

TEST(Protocols, a_buffered_one_receives_into_its_own_buffer) {
  run([]() -> Coro<> {
    Server server = co_await get_running_loop().create_server(
        [] { return std::make_shared<Buffered>(); }, "127.0.0.1", 0);
    EXPECT_EQ(co_await ask(port_of(server), "through a small window"), "through a small window");
  }());
}

struct Generous : Protocol {
  static constexpr std::size_t kSize = 20'000'000;
  void connection_made(Transport& transport) override { transport.write(std::string(kSize, 'g')); }
};

// The socket takes a part of it before anybody reads: the rest must be announced.
TEST(Protocols, what_connection_made_writes_arrives_whole) {
  run([]() -> Coro<> {
    Server server = co_await get_running_loop().create_server(
        [] { return std::make_shared<Generous>(); }, "127.0.0.1", 0);
    auto [reader, writer] = co_await open_connection("127.0.0.1", port_of(server));
    const std::string all = co_await wait_for(reader.readexactly(Generous::kSize), 20s);
    EXPECT_EQ(all.size(), Generous::kSize);
  }());
}

TEST(Protocols, no_data_comes_while_reading_is_paused) {
  run([]() -> Coro<> {
    std::vector<std::string> events;
    const SocketPair pair = make_pair();
    auto made = co_await get_running_loop().connect_accepted_socket(
        [&] { return std::make_shared<Log>(events); }, pair.ours);
    Transport& transport = *made.first;
    transport.pause_reading();
    EXPECT_FALSE(transport.is_reading());
    EXPECT_EQ(::write(pair.peers, "abc", 3), 3);
    co_await sleep(5ms);
    EXPECT_EQ(events.size(), 1U);
    transport.resume_reading();
    EXPECT_TRUE(co_await eventually([&] { return events.size() == 2; }));
    EXPECT_EQ(events[1], "data abc");
    transport.abort();
    EXPECT_EQ(events.size(), 2U);  // connection_lost() never comes inline
    co_await pass(2);
    EXPECT_EQ(events[2], "lost cleanly");
    ::close(pair.peers);
  }());
}

// ---- contexts

ContextVar<std::string> request_name("request_name", "none");

TEST(Server, each_handler_runs_in_its_own_copy_of_the_servers_context) {
  run([]() -> Coro<> {
    const auto handler = [](StreamReader reader, StreamWriter writer) -> Coro<> {
      writer.write(request_name.get());
      request_name.set(co_await reader.read());
    };
    request_name.set("set before the start");
    Server server = co_await start_server(handler, "127.0.0.1", 0);
    request_name.set("set after it");
    for (const char* question : {"first", "second"})
      EXPECT_EQ(co_await ask(port_of(server), question), "set before the start");
  }());
}

TEST(Server, a_factory_that_throws_is_reported_and_serving_goes_on) {
  run([]() -> Coro<> {
    std::vector<std::string> reports;
    get_running_loop().set_exception_handler(
        [&](Loop&, const ExceptionContext& context) { reports.push_back(context.message); });
    int calls = 0;
    const auto factory = [&]() -> std::shared_ptr<Protocol> {
      if (++calls == 1) throw ValueError("not ready");
      return std::make_shared<Buffered>();
    };
    Server server = co_await get_running_loop().create_server(factory, "127.0.0.1", 0);
    static_cast<void>(co_await error_of(ask(port_of(server), "x")));
    EXPECT_EQ(co_await ask(port_of(server), "y"), "y");
    EXPECT_EQ(reports,
              (std::vector<std::string>{"Error on transport creation for incoming connection"}));
  }());
}

// ---- out of file descriptors

// epoll, but accept() fails with EMFILE as long as there is no room.
class CrowdedBackend final : public detail::IoBackend {
 public:
  explicit CrowdedBackend(bool& room) : has_room_(room) {}
  void wait(std::int64_t timeout_ns) override { inner_->wait(timeout_ns); }
  void wake() noexcept override { inner_->wake(); }
  void watch(int fd, detail::FdWatcher& watcher) override { inner_->watch(fd, watcher); }
  void watch_writable(int fd, detail::FdWatcher& watcher) override {
    inner_->watch_writable(fd, watcher);
  }
  void watch_level(int fd, detail::FdWatcher& watcher, bool reads, bool writes) override {
    inner_->watch_level(fd, watcher, reads, writes);
  }
  void forget(int fd) noexcept override { inner_->forget(fd); }
  void close(int fd) noexcept override { inner_->close(fd); }
  int accept(int fd, detail::SocketAddress& peer) noexcept override {
    ++accepts;
    return has_room_ ? inner_->accept(fd, peer) : -EMFILE;
  }
  const char* name() const noexcept override { return "crowded"; }

  int accepts = 0;

 private:
  bool& has_room_;
  std::unique_ptr<detail::IoBackend> inner_ = detail::make_epoll_backend();
};

TEST(Server, without_a_free_descriptor_it_neither_spins_nor_forgets_who_waits) {
  bool room = true;
  CrowdedBackend* backend = nullptr;
  Loop loop({.make_backend = [&] {
    auto made = std::make_unique<CrowdedBackend>(room);
    backend = made.get();
    return made;
  }});
  std::vector<std::string> reports;
  loop.set_exception_handler([&](Loop&, const ExceptionContext& context) {
    reports.push_back(context.message + " | " + describe(context.exception));
  });
  loop.run_until_complete([](bool& has_room, CrowdedBackend& crowded) -> Coro<> {
    Server server = co_await start_server(echo, "127.0.0.1", 0);
    auto [reader, writer] = co_await open_connection("127.0.0.1", port_of(server));
    writer.write("1");
    EXPECT_EQ(co_await reader.read(1), "1");
    auto other = co_await open_connection("127.0.0.1", port_of(server));
    other.writer.write("1");
    EXPECT_EQ(co_await other.reader.read(1), "1");
    has_room = false;
    Task<std::string> second = create_task(ask(port_of(server), "2"));
    co_await sleep(50ms);
    other.writer.close();  // worth another try, which fails as well
    co_await sleep(20ms);
    EXPECT_FALSE(second.done());
    EXPECT_LE(crowded.accepts, 8);
    has_room = true;
    writer.close();  // a descriptor is free again: no need to wait for the timer
    const TimePoint start = get_running_loop().time();
    EXPECT_EQ(co_await second, "2");
    EXPECT_LT(get_running_loop().time() - start, 500ms);
    server.close();
    co_await server.wait_closed();
  }(room, *backend));
  EXPECT_EQ(reports, (std::vector<std::string>{"socket.accept() out of system resource | OSError: "
                                               "[Errno 24] Too many open files"}));
}

// In a child, whose limit nobody shares. Not under UBSan, which itself needs descriptors.
#if defined(__has_feature) && __has_feature(undefined_behavior_sanitizer)
constexpr bool kSanitizerNeedsDescriptors = true;
#else
constexpr bool kSanitizerNeedsDescriptors = false;
#endif

int survive_exhaustion() {
  rlimit limit{64, 64};
  ::setrlimit(RLIMIT_NOFILE, &limit);
  int reports = 0;
  bool served = false;
  run([](int& reported, bool& answered) -> Coro<> {
    get_running_loop().set_exception_handler([&](Loop&, const ExceptionContext& context) {
      if (context.message == "socket.accept() out of system resource") ++reported;
    });
    Server server = co_await start_server(echo, "127.0.0.1", 0);
    std::vector<int> hoard;
    for (int fd = ::dup(0); fd >= 0; fd = ::dup(0)) hoard.push_back(fd);
    ::close(hoard.back());  // one for the client; none for the server's side
    hoard.pop_back();
    Task<std::string> answer = create_task(ask(port_of(server), "late"));
    co_await sleep(300ms);
    const bool waits = !answer.done();
    for (const int fd : hoard) ::close(fd);
    const std::string text = co_await answer;
    answered = waits && text == "late";
    server.close();
  }(reports, served));
  return served && reports == 1 ? 0 : 1;
}

TEST(Server, survives_running_out_of_file_descriptors_and_says_so_once) {
  if (kSanitizerNeedsDescriptors) GTEST_SKIP() << "UBSan itself needs descriptors";
  std::fflush(nullptr);
  const pid_t child = ::fork();
  if (child == 0) ::_exit(survive_exhaustion());
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace asyncio
