// The programs of docs/guide/errors.md.
#include <fmt/core.h>
#include <asyncio/asyncio.hpp>
#include <exception>
#include <string>
#include <vector>

using namespace std::chrono_literals;

asyncio::Coro<int> fail(std::string why) {
  co_await asyncio::sleep(1ms);
  throw asyncio::ValueError(why);
}

// [std_exception]
asyncio::Coro<> keep_going() {
  for (;;) {
    try {
      co_await fail("a passing trouble");
    } catch (const std::exception& error) {  // a cancellation is not a std::exception: it passes
      fmt::print("going on after: {}\n", error.what());
    }
    co_await asyncio::sleep(1h);
  }
}
// [/std_exception]

// [connect]
asyncio::Coro<> connect(int port) {
  try {
    co_await asyncio::open_connection("127.0.0.1", port);
  } catch (const asyncio::ConnectionRefusedError& error) {  // nobody listens
    fmt::print("refused, errno {}\n", error.code().value());
  } catch (const asyncio::OSError& error) {  // any other trouble of the world
    fmt::print("{}\n", error.what());
  }
}
// [/connect]

// [misuse]
void misuse() {
  asyncio::Lock lock;
  try {
    lock.release();
  } catch (const asyncio::RuntimeError& error) {
    fmt::print("{}\n", error.what());
  }
}
// [/misuse]

// [group]
asyncio::Coro<> sort_out() {
  try {
    co_await asyncio::with(asyncio::TaskGroup(), [](asyncio::TaskGroup& group) -> asyncio::Coro<> {
      group.create_task(fail("one"));
      co_return;
    });
  } catch (const asyncio::ExceptionGroup& group) {  // except* ValueError
    auto [ours, others] = group.split<asyncio::ValueError>();
    if (ours) fmt::print("{} of ours\n", ours->exceptions().size());
    if (others) throw *others;
  }
}
// [/group]

// [handler]
asyncio::Coro<> lost_and_found() {
  auto& loop = asyncio::get_running_loop();
  loop.set_exception_handler([](asyncio::Loop&, const asyncio::ExceptionContext& context) {
    fmt::print("{}: {}\n", context.message, asyncio::describe(context.exception));
  });
  loop.call_soon([] { throw asyncio::ValueError("nobody awaits a callback"); });
  co_await asyncio::sleep(1ms);
}
// [/handler]

asyncio::Coro<> async_main() {
  auto going = asyncio::create_task(keep_going());
  co_await asyncio::sleep(20ms);
  going.cancel();
  co_await asyncio::wait(std::vector{going});
  fmt::print("cancelled: {}\n", going.cancelled());

  asyncio::Server server = co_await asyncio::start_server(
      [](asyncio::StreamReader, asyncio::StreamWriter) -> asyncio::Coro<> { co_return; },
      "127.0.0.1", 0);
  const int port = server.sockets()[0].port();
  server.close();
  co_await server.wait_closed();
  co_await connect(port);

  misuse();
  co_await sort_out();
  co_await lost_and_found();
}

int main() { asyncio::run(async_main()); }
