// How connections begin and end.
#include <sys/socket.h>

#include <array>
#include <memory>

#include "scenarios.hpp"

namespace asyncio::fault_test {
namespace {

Coro<> several_clients() {
  Server server = co_await echo_server();
  auto client = [&](int number) -> Coro<> {
    auto [reader, writer] = co_await connect_to(server);
    for (int i = 0; i < 8; ++i) {
      const std::string text = std::to_string(number * 10 + i) + "\n";
      writer.write(text);
      const std::string answer = co_await wait_for(reader.readline(), 20s);
      if (!answer.ends_with('\n')) throw EOFError("cut off");
      expect(answer == text, "each client hears itself");
    }
    co_await finish(std::move(writer));
  };
  co_await gather(client(1), client(2), client(3), client(4), client(5));
  server.close();
  co_await wait_for(server.wait_closed(), 10s);
}

Coro<> connect_refused() {
  Server server = co_await echo_server();
  const int port = port_of(server);
  server.close();
  co_await wait_for(server.wait_closed(), 10s);
  try {
    auto [reader, writer] = co_await open_connection("127.0.0.1", port);
  } catch (const OSError&) {
    co_return;
  } catch (const TimeoutError&) {  // ETIMEDOUT
    co_return;
  }
  throw WrongResult("a closed port accepts nobody");
}

Coro<> peer_aborts() {
  auto abort = [](StreamReader reader, StreamWriter writer) -> Coro<> {
    static_cast<void>(co_await reader.read(1));
    writer.abort();
  };
  Server server = co_await start_server(abort, "127.0.0.1", 0);
  auto [reader, writer] = co_await connect_to(server);
  writer.write("x");
  const std::string nothing = co_await reader.read();
  expect(nothing.empty(), "an aborted peer has said nothing");
  co_await finish(std::move(writer), server);
}

Coro<> server_speaks_and_closes() {
  auto greet = [](StreamReader, StreamWriter writer) -> Coro<> {
    writer.write("welcome");
    writer.close();
    co_await writer.wait_closed();
  };
  Server server = co_await start_server(greet, "127.0.0.1", 0);
  auto [reader, writer] = co_await connect_to(server);
  const std::string greeting = co_await wait_for(reader.read(), 20s);
  expect(std::string("welcome").starts_with(greeting), "a greeting");
  if (greeting.size() < 7) throw EOFError("cut off");
  co_await finish(std::move(writer), server);
}

Coro<> server_closes_with_a_request_in_flight() {
  // Shared with a handler that may live longer than this.
  const auto events = std::make_shared<std::array<Event, 2>>();
  Event& arrived = (*events)[0];
  Event& answer = (*events)[1];
  auto slow = [events](StreamReader reader, StreamWriter writer) -> Coro<> {
    const std::string question = co_await reader.readline();
    (*events)[0].set();
    co_await (*events)[1].wait();
    writer.write("late answer to " + question);
    writer.close();
  };
  Server server = co_await start_server(slow, "127.0.0.1", 0);
  auto [reader, writer] = co_await connect_to(server);
  writer.write("q\n");
  static_cast<void>(co_await move_on_after(5s, arrived.wait()));
  server.close();
  answer.set();
  const std::string text = co_await wait_for(reader.read(), 20s);
  expect(std::string("late answer to q\n").starts_with(text), "an answer after close()");
  if (text.size() < 17) throw EOFError("cut off");
  co_await finish(std::move(writer), server);
}

Coro<> clients_are_closed_by_the_server() {
  Server server = co_await echo_server();
  auto [reader, writer] = co_await connect_to(server);
  writer.write("a");
  expect(co_await reader.readexactly(1) == "a", "served");
  server.close();
  server.close_clients();
  expect((co_await wait_for(reader.read(), 20s)).empty(), "the end");
  co_await finish(std::move(writer), server);
}

Coro<> clients_are_aborted_by_the_server() {
  Server server = co_await echo_server();
  auto [reader, writer] = co_await connect_to(server);
  writer.write("a");
  expect(co_await reader.readexactly(1) == "a", "served");
  server.close();
  server.abort_clients();
  auto rest = co_await outcome_of(wait_for(reader.read(), 20s));
  expect(!rest.has_value() || rest.value().empty(), "the end");
  co_await finish(std::move(writer), server);
}

Coro<> connections_are_limited() {
  Server server = co_await start_server(echo, "127.0.0.1", 0, {.max_connections = 1});
  auto visit = [&]() -> Coro<> {
    auto [reader, writer] = co_await connect_to(server);
    writer.write("v");
    const std::string answer = co_await wait_for(reader.read(1), 30s);
    if (answer.empty()) throw EOFError("cut off");
    expect(answer == "v", "served in turn");
    co_await finish(std::move(writer));
  };
  co_await gather(visit(), visit(), visit());
  server.close();
  co_await wait_for(server.wait_closed(), 10s);
}

Coro<> serve_forever_is_cancelled() {
  Server server = co_await echo_server();
  Task<> forever = create_task(server.serve_forever());
  auto [reader, writer] = co_await connect_to(server);
  writer.write("x");
  expect(co_await reader.readexactly(1) == "x", "served");
  writer.close();
  forever.cancel();
  co_await wait({forever}, {.timeout = 10s});
  expect(!server.is_serving(), "cancelled means closed");
}

Coro<> port_is_taken() {
  Server first = co_await echo_server();
  auto second = co_await outcome_of(start_server(echo, "127.0.0.1", port_of(first)));
  expect(!second.has_value(), "a port serves one");
  first.close();
  co_await wait_for(first.wait_closed(), 10s);
  Server third = co_await start_server(echo, "127.0.0.1", 0);
  third.close();
  co_await wait_for(third.wait_closed(), 10s);
}

Coro<> by_name_and_half_closed() {
  Server server = co_await echo_server();
  auto [reader, writer] = co_await open_connection("127.0.0.1", port_of(server),
                                                   {.timeout = 20s, .local_host = "127.0.0.1"});
  writer.write("first");
  writer.write_eof();
  expect(co_await reader.readexactly(5) == "first", "answered behind our end");
  expect((co_await wait_for(reader.read(), 20s)).empty(), "and no more");
  co_await finish(std::move(writer), server);
}

Coro<> a_socket_is_taken_over() {
  detail::IoBackend& backend = get_running_loop().backend();
  int ours = -1;
  int theirs = -1;
  const int error = backend.open_socket_pair(ours, theirs);
  if (error != 0) throw_os_error(-error, "socketpair");
  // A socket that could not be taken over is ours still.
  auto served = co_await outcome_of(open_connection({.sock = theirs}));
  if (!served.has_value()) backend.close(theirs);
  auto connected = co_await outcome_of(open_connection({.sock = ours}));
  if (!connected.has_value()) backend.close(ours);
  if (!served.has_value() || !connected.has_value()) throw EOFError("one side at most");
  Connection other = std::move(served).value();
  auto [reader, writer] = std::move(connected).value();
  other.writer.write("through");
  expect(co_await wait_for(reader.readexactly(7), 20s) == "through", "what the other side wrote");
  other.writer.close();
  co_await finish(std::move(writer));
}

Coro<> reconnects_until_it_works() {
  Server server = co_await echo_server();
  static_cast<void>(port_of(server));
  for (int attempt = 0; attempt < 3; ++attempt) {
    auto connected = co_await outcome_of(connect_to(server));
    if (!connected.has_value()) continue;
    Connection connection = std::move(connected).value();
    connection.writer.write("again");
    auto answer = co_await outcome_of(wait_for(connection.reader.readexactly(5), 5s));
    connection.writer.close();
    if (!answer.has_value()) continue;
    expect(answer.value() == "again", "an echo");
    server.close();
    co_return;
  }
  throw WrongResult("one fault must not stop three attempts");
}

}  // namespace

std::vector<Scenario> connection_scenarios() {
  return {
      {"several_clients", several_clients},
      {"connect_refused", connect_refused},
      {"peer_aborts", peer_aborts},
      {"server_speaks_and_closes", server_speaks_and_closes},
      {"server_closes_with_a_request_in_flight", server_closes_with_a_request_in_flight},
      {"clients_are_closed_by_the_server", clients_are_closed_by_the_server},
      {"clients_are_aborted_by_the_server", clients_are_aborted_by_the_server},
      {"connections_are_limited", connections_are_limited},
      {"serve_forever_is_cancelled", serve_forever_is_cancelled},
      {"port_is_taken", port_is_taken},
      {"by_name_and_half_closed", by_name_and_half_closed},
      {"a_socket_is_taken_over", a_socket_is_taken_over},
      {"reconnects_until_it_works", reconnects_until_it_works},
  };
}

}  // namespace asyncio::fault_test
