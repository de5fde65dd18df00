// more_streams.cpp: readers in detail, servers that are shut down, executors of one's own.
#include <thread>

#include "trace.hpp"

namespace parity::x050 {

using asyncio::StreamReader;

StreamReader reader_of(std::string_view data, bool eof) {
  StreamReader reader;
  if (!data.empty()) reader.feed_data(data);
  if (eof) reader.feed_eof();
  return reader;
}

Coro<std::string> read_some(StreamReader& r) { co_return co_await r.read(10); }
Coro<std::string> read_four(StreamReader& r) { co_return co_await r.readexactly(4); }
Coro<std::string> read_all(StreamReader& r) { co_return co_await r.read(); }
Coro<std::string> read_until(StreamReader& r, std::string_view separator) {
  co_return co_await r.readuntil(separator);
}
Coro<std::string> read_line(StreamReader& r) { co_return co_await r.readline(); }

Coro<> separators_and_sizes() {
  StreamReader r = reader_of("one;two\nthree", true);
  const std::vector<std::string_view> either{";", "\n"};
  std::string first = co_await r.readuntil(either);
  std::string second = co_await r.readuntil(either);
  log(Bytes{first}, Bytes{second});
  std::string two = co_await r.read(2);
  std::string none = co_await r.read(0);
  const bool before = r.at_eof();
  std::string rest = co_await r.read(100);
  const bool after = r.at_eof();
  std::string end = co_await r.read(1);
  log(Bytes{two}, Bytes{none}, before, Bytes{rest}, after, Bytes{end});
}

Coro<> two_readers() {
  StreamReader r = reader_of("abc", false);
  std::string two = co_await r.read(2);
  std::string one = co_await r.readexactly(1);
  log(Bytes{two}, Bytes{one});
  auto t = create_task(read_some(r));
  co_await nap();
  std::exception_ptr error = co_await caught(read_line(r));
  log("a second reader", error);
  r.feed_data("xyz");
  std::string got = co_await t;
  log("the first goes on", Bytes{got});

  t = create_task(read_four(r));
  co_await nap();
  r.feed_data("12");
  co_await nap();
  t.cancel();
  error = co_await caught(t);
  log(type_name(error));
  r.feed_data("34\n");
  got = co_await r.readline();
  log("nothing is lost", Bytes{got});
}

Coro<> lines_and_separators() {
  StreamReader lines_of = reader_of("a\nb\nlast", true);
  std::vector<Bytes> lines;
  for (;;) {
    std::string line = co_await lines_of.readline();
    if (line.empty()) break;
    lines.push_back(Bytes{line});
  }
  log(lines, lines_of.at_eof());

  StreamReader r = reader_of("ab|cd|", false);
  std::string first = co_await r.readuntil("|");
  std::string second = co_await r.readuntil("|");
  log(Bytes{first}, Bytes{second});
  auto t = create_task(read_until(r, "||"));
  co_await nap();
  for (const char* part : {"ef|", "|gh"}) {
    r.feed_data(part);
    co_await nap();
  }
  first = co_await t;
  second = co_await r.readexactly(2);
  log(Bytes{first}, Bytes{second});
  std::exception_ptr error = co_await caught(read_until(r, ""));
  log("empty separator", error);
  t = create_task(read_all(r));
  co_await nap();
  r.feed_data("to ");
  co_await nap();
  r.feed_data("the end");
  r.feed_eof();
  first = co_await t;
  second = co_await r.read();
  log(Bytes{first}, Bytes{second});
}

Coro<> async_main() {
  co_await separators_and_sizes();
  co_await two_readers();
  co_await lines_and_separators();
}

PARITY_RUN(x050, async_main)
}  // namespace parity::x050

namespace parity::x051 {

using asyncio::Server;
using asyncio::StreamReader;
using asyncio::StreamWriter;

std::vector<std::string> left;

Coro<> handle(StreamReader reader, StreamWriter writer) {
  std::exception_ptr error;
  try {
    std::string data = co_await reader.read();
    left.push_back("end after " + std::to_string(data.size()));
  } catch (const asyncio::ConnectionResetError&) {
    left.emplace_back("reset");
  } catch (const CancelledError&) {
    left.emplace_back("cancelled");
    error = std::current_exception();
  }
  writer.close();
  if (error) std::rethrow_exception(error);
}

Coro<> shut_down(const char* how, void (Server::*end)()) {
  Server server = co_await asyncio::start_server(handle, "127.0.0.1", 0);
  const int port = server.sockets()[0].port();
  auto client = co_await asyncio::open_connection("127.0.0.1", port);
  co_await nap(20ms);
  server.close();
  auto waiter = create_task([&]() -> Coro<> { co_await server.wait_closed(); });
  co_await nap(10ms);
  log(how, "waits for its client", waiter.done());
  (server.*end)();
  co_await wait_for(waiter, 1s);
  try {
    std::string data = co_await client.reader.read();
    log("client sees", Bytes{data});
  } catch (const asyncio::ConnectionResetError&) {
    log("client sees a reset");
  }
  log("handler", left, server.is_serving());
  left.clear();
  client.writer.close();
  co_await caught(client.writer.wait_closed());
}

Coro<> serve(Server& server) { co_await server.serve_forever(); }

Coro<> async_main() {
  co_await shut_down("close_clients", &Server::close_clients);
  co_await shut_down("abort_clients", &Server::abort_clients);

  Server server = co_await asyncio::start_server(handle, "127.0.0.1", 0, {.start_serving = false});
  log("not serving yet", server.is_serving());
  co_await server.start_serving();
  co_await server.start_serving();
  log("serving", server.is_serving());
  auto forever = create_task(serve(server));
  co_await nap(10ms);
  std::exception_ptr error = co_await caught(serve(server));
  log("twice", message(error).ends_with("is already being awaited on serve_forever()"));
  forever.cancel();
  error = co_await caught(forever);
  log("serve_forever", type_name(error), server.is_serving(), server.sockets().size());
  error = co_await caught(serve(server));
  log("closed", message(error).ends_with("is closed"));
}

PARITY_RUN(x051, async_main)
}  // namespace parity::x051

namespace parity::x052 {

using asyncio::ThreadPoolExecutor;

std::thread::id main_thread;

bool in_main_thread() { return std::this_thread::get_id() == main_thread; }

bool fails() { throw ValueError("thread 1"); }

void block(std::chrono::milliseconds duration) { std::this_thread::sleep_for(duration); }

Coro<> own_pool() {
  Loop& loop = get_running_loop();
  ThreadPoolExecutor pool(2);
  std::vector<Future<int>> futures;
  for (int i = 0; i < 4; ++i) {
    futures.push_back(loop.run_in_executor(pool, [i] { return i * 10; }));
  }
  auto results = co_await gather(futures);
  log(results);
  auto outcomes = co_await gather(return_exceptions, loop.run_in_executor(pool, fails),
                                  loop.run_in_executor(pool, in_main_thread));
  log(outcomes);
  auto seen = co_await wait(std::vector{loop.run_in_executor(pool, [] { block(10ms); })});
  log("wait", seen.done.size(), seen.pending.size());
  try {
    co_await with(timeout(10ms),
                  [&]() -> Coro<> { co_await loop.run_in_executor(pool, [] { block(60ms); }); });
  } catch (const asyncio::TimeoutError&) {
    log("timeout; the thread goes on");
  }
  auto f = loop.run_in_executor(pool, [] { return std::string("done"); });
  const bool before = f.done();
  std::string value = co_await f;
  log(before, value, f.done());
}

Coro<> to_thread() {
  co_await asyncio::to_thread([] {});
}

Coro<> async_main() {
  main_thread = std::this_thread::get_id();
  co_await own_pool();
  Loop& loop = get_running_loop();
  std::string value = co_await loop.run_in_executor([] { return std::string("default"); });
  log(value);
  co_await loop.shutdown_default_executor();
  log(type_name(thrown_by([&] { (void)loop.run_in_executor([] {}); })));
  std::exception_ptr error = co_await caught(to_thread());
  log(type_name(error));
}

PARITY_RUN(x052, async_main)
}  // namespace parity::x052
