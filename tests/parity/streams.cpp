// streams.cpp: StreamReader at its end and limits; servers, clients, failing handlers.
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "trace.hpp"

namespace parity {
namespace {

asyncio::StreamReader reader_of(std::string_view data, bool eof, std::size_t limit = 64 * 1024) {
  asyncio::StreamReader reader(limit);
  reader.feed_data(data);
  if (eof) reader.feed_eof();
  return reader;
}

std::string expected_of(const asyncio::IncompleteReadError& error) {
  return error.has_expected() ? fmt(error.expected()) : "none";
}

}  // namespace
}  // namespace parity

namespace parity::s087 {

using asyncio::IncompleteReadError;
using asyncio::StreamReader;

template <class Call>
Coro<> at_end(Call call) {
  StreamReader r = reader_of("partialX", true);
  try {
    std::string value = co_await call(r);
    log("value", Bytes{value});
  } catch (const IncompleteReadError& error) {
    log("incomplete", Bytes{error.partial()}, expected_of(error), "|", error);
  }
  std::string left = co_await r.read();
  log("left", Bytes{left});
}

Coro<std::string> exactly_five(StreamReader& r) { co_return co_await r.readexactly(5); }

Coro<> async_main() {
  co_await at_end([](StreamReader& r) { return r.readexactly(10); });
  co_await at_end([](StreamReader& r) { return r.readuntil("XY"); });
  co_await at_end([](StreamReader& r) { return r.readline(); });

  StreamReader empty = reader_of("", true);
  std::string nothing = co_await empty.readexactly(0);
  std::string line = co_await empty.readline();
  log(Bytes{nothing}, Bytes{line});
  try {
    co_await empty.readexactly(1);
  } catch (const IncompleteReadError& error) {
    log("incomplete", Bytes{error.partial()}, expected_of(error));
  }
  // The size is unsigned, so that Python's ValueError for -1 has no counterpart.
  log("ValueError(readexactly size can not be less than zero)");

  StreamReader r = reader_of("abc", false);
  auto t = create_task(exactly_five(r));
  co_await nap();
  r.feed_data("d");
  co_await nap();
  log("waiting", !t.done());
  r.feed_eof();
  try {
    co_await t;
  } catch (const IncompleteReadError& error) {
    log("incomplete", Bytes{error.partial()}, expected_of(error));
  }
}

PARITY_RUN(s087, async_main)
}  // namespace parity::s087

namespace parity::s088 {

using asyncio::LimitOverrunError;
using asyncio::StreamReader;

Coro<> until_newline(const char* label, std::string data, std::size_t all) {
  StreamReader r = reader_of(data, false, 5);
  try {
    co_await r.readuntil("\n");
  } catch (const LimitOverrunError& error) {
    log(label, error, "consumed", error.consumed());
  }
  std::string intact = co_await r.readexactly(all);
  log("buffer intact", Bytes{intact});
}

Coro<> line_refused(StreamReader& r) {
  try {
    co_await r.readline();
  } catch (const ValueError& error) {
    log("readline:", error);
  }
}

Coro<> async_main() {
  StreamReader exact = reader_of("12345\n", false, 5);
  std::string line = co_await exact.readline();
  log("exactly the limit", Bytes{line});
  co_await until_newline("found:", "123456\nnext\n", 12);
  co_await until_newline("not found:", "12345678", 8);

  StreamReader with_next = reader_of("123456\nok\n", false, 5);
  co_await line_refused(with_next);
  line = co_await with_next.readline();
  log("line discarded, next", Bytes{line});

  StreamReader without = reader_of("12345678", false, 5);
  co_await line_refused(without);
  without.feed_data("9\nok\n");
  line = co_await without.readline();
  std::string second = co_await without.readline();
  log("whole buffer discarded, next", Bytes{line}, Bytes{second});

  StreamReader longer = reader_of("1234567890", false, 5);
  std::string all = co_await longer.readexactly(10);
  log("readexactly ignores it", Bytes{all});
  log(thrown_by([] { StreamReader none(0); }));
}

PARITY_RUN(s088, async_main)
}  // namespace parity::s088

namespace parity::s090 {

using asyncio::StreamReader;

struct ConnectionResetError : std::runtime_error {  // with Python's bare message
  using std::runtime_error::runtime_error;
};

std::exception_ptr reset() { return std::make_exception_ptr(ConnectionResetError("reset")); }

Coro<std::string> line_of(StreamReader& r) { co_return co_await r.readline(); }

template <class Call>
Coro<> show(const char* name, Call call) {
  try {
    std::string value = co_await call();
    log(name, Bytes{value});
  } catch (const std::exception& error) {
    log(name, error);
  }
}

Coro<> waiting_reader() {
  StreamReader r;
  auto t = create_task(line_of(r));
  co_await nap();
  r.feed_data("partial");
  co_await nap();
  r.set_exception(reset());
  std::exception_ptr error = co_await caught(t);
  log("waiting reader", error);
  co_await show("readline", [&] { return r.readline(); });
  co_await show("read", [&] { return r.read(); });
  co_await show("readexactly", [&] { return r.readexactly(3); });
  co_await show("readuntil", [&] { return r.readuntil("\n"); });
  log("exception()", r.exception(), "at_eof", r.at_eof());
}

Coro<> async_main() {
  co_await waiting_reader();

  StreamReader r;
  auto t = create_task(line_of(r));
  co_await nap();
  r.feed_data("partial");
  r.set_exception(reset());
  auto seen = co_await wait(std::vector{t}, {.timeout = 50ms});
  log("data and error in one iteration:",
      seen.pending.empty() ? type_name(t.exception()) : "hangs");
  t.cancel();
  co_await wait(std::vector{t});
}

PARITY_RUN(s090, async_main)
}  // namespace parity::s090

namespace parity::s091 {

using asyncio::StreamReader;
using asyncio::StreamWriter;

Coro<> handle(StreamReader reader, StreamWriter writer) {
  for (;;) {
    std::string line = co_await reader.readline();
    if (line.empty()) break;
    writer.write("echo:" + line);
    co_await writer.drain();
  }
  log("server: client left");
  writer.close();
  co_await writer.wait_closed();
}

Coro<> async_main() {
  auto server = co_await asyncio::start_server(handle, "127.0.0.1", 0);
  const int port = server.sockets()[0].port();
  log("serving", server.is_serving());
  auto [r, w] = co_await asyncio::open_connection("127.0.0.1", port);
  w.write("one\ntwo\n");
  std::string first = co_await r.readline();
  std::string second = co_await r.readline();
  log(Bytes{first}, Bytes{second});

  server.close();
  log("closed; serving", server.is_serving(), "sockets", server.sockets().size());
  std::exception_ptr refused = co_await caught(asyncio::open_connection("127.0.0.1", port));
  log(type_name(refused));
  auto waiter = create_task([&]() -> Coro<> { co_await server.wait_closed(); });
  co_await nap(20ms);
  log("wait_closed done", waiter.done());
  w.write("still works\n");
  first = co_await r.readline();
  log(Bytes{first});
  w.close();
  co_await w.wait_closed();
  co_await wait_for(waiter, 1s);
  log("wait_closed returned");
  server.close();
  co_await server.wait_closed();
}

PARITY_RUN(s091, async_main)
}  // namespace parity::s091

namespace parity::s097 {

using asyncio::StreamReader;
using asyncio::StreamWriter;

std::vector<AnyTask> tasks;

Coro<> handle(StreamReader reader, StreamWriter writer) {
  tasks.push_back(*current_task());
  std::string command = co_await reader.readline();
  if (command == "fail\n") throw ValueError("handler failed");
  if (command == "wait\n") co_await nap(10s);
  writer.write("ok\n");
  writer.close();
}

Coro<std::string> ask(std::string command, int port) {
  auto [r, w] = co_await asyncio::open_connection("127.0.0.1", port);
  w.write(command);
  if (command == "wait\n") {
    co_await nap(20ms);
    tasks.back().cancel();
  }
  std::string reply = co_await wait_for(r.read(), 1s);
  w.close();
  co_await w.wait_closed();
  co_return reply;
}

Coro<> async_main() {
  get_running_loop().set_exception_handler([](Loop&, const asyncio::ExceptionContext& context) {
    log("handler:", context.message, context.exception);
  });
  auto server = co_await asyncio::start_server(handle, "127.0.0.1", 0);
  const int port = server.sockets()[0].port();
  for (const char* command : {"fail\n", "wait\n", "good\n"}) {
    std::string reply = co_await ask(command, port);
    log(Bytes{command}, Bytes{reply});
  }
  server.close();
  co_await server.wait_closed();
  tasks.clear();
}

PARITY_RUN(s097, async_main)
}  // namespace parity::s097

namespace parity::s096 {

using asyncio::IncompleteReadError;
using asyncio::StreamReader;
using asyncio::StreamWriter;

asyncio::Queue<std::string>* results = nullptr;

Coro<> clean_close(StreamReader& reader) {
  try {
    co_await reader.readexactly(10);
  } catch (const IncompleteReadError& error) {
    results->put_nowait("clean close: partial " + fmt(Bytes{error.partial()}));
  }
}

Coro<> half_close(StreamReader& reader, StreamWriter& writer) {
  std::string data = co_await reader.read();
  writer.write("answer to " + data);
  co_await writer.drain();
}

template <class Call>
Coro<> after_reset(std::string name, Call call) {
  try {
    co_await call();
    results->put_nowait("reset: " + name + " fine");
  } catch (const asyncio::ConnectionResetError&) {
    results->put_nowait("reset: " + name + " " + type_name(std::current_exception()));
  }
}

Coro<> handle(StreamReader reader, StreamWriter writer) {
  std::string mode = co_await reader.readexactly(1);
  if (mode == "c") {
    co_await clean_close(reader);
  } else if (mode == "h") {
    co_await half_close(reader, writer);
  } else {
    co_await after_reset("read", [&] { return reader.read(); });
    co_await after_reset("drain", [&] { return writer.drain(); });
    co_await after_reset("wait_closed", [&] { return writer.wait_closed(); });
  }
  writer.close();
}

// A client that asks for a reset on close (SO_LINGER 0), as Python's does through its transport.
int connect_for_reset(int port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in peer = {};
  peer.sin_family = AF_INET;
  peer.sin_port = htons(static_cast<std::uint16_t>(port));
  peer.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const linger at_once = {1, 0};
  if (::setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once) != 0 ||
      ::connect(fd, reinterpret_cast<sockaddr*>(&peer), sizeof peer) != 0 ||
      ::write(fd, "r", 1) != 1) {
    log("the client could not connect");
  }
  return fd;
}

Coro<> half_closing_client(int port) {
  auto [r, w] = co_await asyncio::open_connection("127.0.0.1", port);
  w.write("hquestion");
  log("can_write_eof", w.can_write_eof());
  w.write_eof();
  std::string answer = co_await r.read();
  log(Bytes{answer});
  log(thrown_by([&] { w.write("more"); }));
  w.close();
  co_await w.wait_closed();
}

Coro<> async_main() {
  asyncio::Queue<std::string> queue;
  results = &queue;
  auto server = co_await asyncio::start_server(handle, "127.0.0.1", 0);
  const int port = server.sockets()[0].port();

  auto clean = co_await asyncio::open_connection("127.0.0.1", port);
  clean.writer.write("cabc");
  clean.writer.close();
  co_await clean.writer.wait_closed();
  std::string result = co_await queue.get();
  log(result);

  co_await half_closing_client(port);

  const int fd = connect_for_reset(port);
  co_await nap(20ms);
  ::close(fd);
  for (int i = 0; i < 3; ++i) {
    result = co_await queue.get();
    log(result);
  }
  server.close();
  co_await server.wait_closed();
}

PARITY_RUN(s096, async_main)
}  // namespace parity::s096
