// What streams do with bytes.
#include "scenarios.hpp"

namespace asyncio::fault_test {

Coro<> echo(StreamReader reader, StreamWriter writer) {
  for (;;) {
    const std::string data = co_await reader.read(4096);
    if (data.empty()) break;
    writer.write(data);
    co_await writer.drain();
  }
  writer.close();
}

ASYNCIO_CORO_WRAPPER Coro<Server> echo_server() { return start_server(echo, "127.0.0.1", 0); }

ASYNCIO_CORO_WRAPPER Coro<Connection> connect_to(const Server& server) {
  return open_connection("127.0.0.1", port_of(server));
}

Coro<> finish(StreamWriter writer) {
  writer.close();
  co_await wait_for(writer.wait_closed(), 10s);
}

Coro<> finish(StreamWriter writer, Server server) {
  server.close();
  co_await finish(std::move(writer));
  co_await wait_for(server.wait_closed(), 10s);
}

Coro<> echo_rounds(Server server, Connection connection, int rounds, std::size_t size) {
  auto& [reader, writer] = connection;
  const std::string message = pattern(size);
  for (int i = 0; i < rounds; ++i) {
    writer.write(message);
    co_await writer.drain();
    expect(co_await reader.readexactly(size) == message, "an echo is what was said");
  }
  co_await finish(std::move(writer), server);
}

namespace {

Coro<> plain_echo(int rounds, std::size_t size) {
  Server server = co_await echo_server();
  Connection connection = co_await connect_to(server);
  co_await echo_rounds(server, std::move(connection), rounds, size);
}

ASYNCIO_CORO_WRAPPER Coro<> echo_once() { return plain_echo(1, 5); }
ASYNCIO_CORO_WRAPPER Coro<> echo_many_times() { return plain_echo(170, 64); }
ASYNCIO_CORO_WRAPPER Coro<> echo_large_messages() { return plain_echo(10, 30'000); }

Coro<> say_lines(StreamReader, StreamWriter writer) {
  for (int i = 0; i < 60; ++i) {
    writer.write("line " + std::to_string(i) + "\n");
    co_await writer.drain();
  }
  writer.write("rest");
  writer.close();
}

Coro<> readline() {
  Server server = co_await start_server(say_lines, "127.0.0.1", 0);
  auto [reader, writer] = co_await connect_to(server);
  for (int i = 0; i < 60; ++i) {
    const std::string line = co_await reader.readline();
    if (!line.ends_with('\n')) throw EOFError("cut off");
    expect(line == "line " + std::to_string(i) + "\n", "lines come whole and in order");
  }
  const std::string rest = co_await reader.readline();
  expect(std::string("rest").starts_with(rest), "the rest is the rest");
  co_await finish(std::move(writer), server);
}

Coro<> readuntil() {
  Server server = co_await echo_server();
  auto [reader, writer] = co_await connect_to(server);
  writer.write("one\r\ntwo\r");
  co_await writer.drain();
  expect(co_await reader.readuntil("\r\n") == "one\r\n", "the first part");
  writer.write("\nthree--\r\n");
  expect(co_await reader.readuntil("\r\n") == "two\r\n", "a separator that came in two parts");
  expect(co_await reader.readuntil({"--", "\r\n"}) == "three--", "the nearer separator");
  co_await finish(std::move(writer), server);
}

Coro<> read_to_the_end() {
  Server server = co_await echo_server();
  auto [reader, writer] = co_await connect_to(server);
  const std::string message = pattern(20'000);
  writer.write(message);
  writer.write_eof();
  const std::string answer = co_await reader.read();
  expect(message.starts_with(answer), "nothing but the echo");
  expect(answer.size() == message.size() || reader.at_eof(), "an end that is one");
  if (answer.size() < message.size()) throw EOFError("cut off");
  co_await finish(std::move(writer), server);
}

// The reader is slow: the writer is paused and goes on many times.
Coro<> back_pressure() {
  const std::string message = pattern(400'000);
  auto slow = [message](StreamReader reader, StreamWriter writer) -> Coro<> {
    std::string got;
    while (got.size() < message.size()) {
      const std::string part = co_await reader.read(16'384);
      if (part.empty()) break;
      got += part;
      co_await sleep(1ms);
    }
    writer.write(got == message ? "good" : "cut");
    writer.close();
  };
  Server server = co_await start_server(slow, "127.0.0.1", 0);
  auto [reader, writer] = co_await connect_to(server);
  for (std::size_t at = 0; at < message.size(); at += 50'000) {
    writer.write(std::string_view(message).substr(at, 50'000));
    co_await writer.drain();
  }
  const std::string verdict = co_await reader.read();
  expect(verdict == "good" || verdict.empty(), "a drained writer's bytes arrive");
  if (verdict.empty()) throw EOFError("cut off");
  co_await finish(std::move(writer), server);
}

Coro<> writelines() {
  Server server = co_await echo_server();
  auto [reader, writer] = co_await connect_to(server);
  std::string all;
  std::vector<std::string> parts;
  for (int i = 0; i < 100; ++i) all += parts.emplace_back(pattern(static_cast<std::size_t>(i)));
  writer.writelines(parts);
  writer.writelines({"the ", "", "end"});
  all += "the end";
  co_await writer.drain();
  expect(co_await reader.readexactly(all.size()) == all, "parts in order");
  co_await finish(std::move(writer), server);
}

Coro<> both_directions_at_once() {
  Server server = co_await echo_server();
  auto [reader, writer] = co_await connect_to(server);
  const std::string message = pattern(150'000);
  auto send = [&]() -> Coro<> {
    for (std::size_t at = 0; at < message.size(); at += 10'000) {
      writer.write(std::string_view(message).substr(at, 10'000));
      co_await writer.drain();
    }
    co_return;
  };
  auto receive = [&]() -> Coro<> {
    expect(co_await reader.readexactly(message.size()) == message, "the echo of all");
  };
  co_await wait_for(gather(send(), receive()), 60s);
  co_await finish(std::move(writer), server);
}

Coro<> read_without_copies() {
  Server server = co_await echo_server();
  auto [reader, writer] = co_await connect_to(server);
  const std::string message = pattern(10'000);
  writer.write(message);
  std::string got;
  while (got.size() < message.size()) {
    const std::string_view view = co_await reader.read_view();
    if (view.empty()) throw EOFError("cut off");
    const std::size_t taken = std::min<std::size_t>(view.size(), 1000);
    got += view.substr(0, taken);
    reader.consume(taken);
  }
  expect(got == message, "views in order");
  co_await finish(std::move(writer), server);
}

Coro<> a_cancelled_read_loses_nothing() {
  Server server = co_await echo_server();
  auto [reader, writer] = co_await connect_to(server);
  for (int i = 0; i < 5; ++i) {
    auto early = co_await move_on_after(1ms, reader.readexactly(6));
    writer.write("abcdef");
    if (!early) expect(co_await reader.readexactly(6) == "abcdef", "what the second read gets");
  }
  co_await finish(std::move(writer), server);
}

Coro<> send_file_between(std::size_t offset, std::size_t count) {
  const SampleFile& file = sample_file();
  auto serve = [&file, offset, count](StreamReader, StreamWriter writer) -> Coro<> {
    writer.write("before:");
    co_await writer.sendfile(file.path, offset, count);
    writer.write(":after");
    writer.close();
    co_return;
  };
  Server server = co_await start_server(serve, "127.0.0.1", 0);
  auto [reader, writer] = co_await connect_to(server);
  const std::string expected = "before:" + file.content.substr(offset, count) + ":after";
  const std::string got = co_await wait_for(reader.read(), 60s);
  expect(expected.starts_with(got), "the file in its place");
  if (got.size() < expected.size()) throw EOFError("cut off");
  co_await finish(std::move(writer), server);
}

ASYNCIO_CORO_WRAPPER Coro<> sendfile_whole() { return send_file_between(0, 100'000); }
ASYNCIO_CORO_WRAPPER Coro<> sendfile_part() { return send_file_between(777, 10'000); }

Coro<> many_small_writes() {
  Server server = co_await echo_server();
  auto [reader, writer] = co_await connect_to(server);
  std::string all;
  for (int i = 0; i < 120; ++i) {
    const std::string word = std::to_string(i) + " ";
    writer.write(word);
    all += word;
    if (i % 10 == 9) co_await writer.drain();
  }
  expect(co_await reader.readexactly(all.size()) == all, "words in order");
  co_await finish(std::move(writer), server);
}

}  // namespace

std::vector<Scenario> stream_scenarios() {
  return {
      {"echo_once", echo_once},
      {"echo_many_times", echo_many_times},
      {"echo_large_messages", echo_large_messages},
      {"readline", readline},
      {"readuntil", readuntil},
      {"read_to_the_end", read_to_the_end},
      {"back_pressure", back_pressure},
      {"writelines", writelines},
      {"both_directions_at_once", both_directions_at_once},
      {"read_without_copies", read_without_copies},
      {"a_cancelled_read_loses_nothing", a_cancelled_read_loses_nothing},
      {"sendfile_whole", sendfile_whole},
      {"sendfile_part", sendfile_part},
      {"many_small_writes", many_small_writes},
  };
}

}  // namespace asyncio::fault_test
