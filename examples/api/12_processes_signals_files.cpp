// Subprocesses, signal handlers, files.
#include <asyncio/asyncio.hpp>
#include <csignal>
#include <cstdio>
#include <string>

using namespace std::chrono_literals;

asyncio::Coro<> async_main() {
  auto cat = co_await asyncio::create_subprocess_exec({"tr", "a-z", "A-Z"},
                                                      {.in = asyncio::PIPE, .out = asyncio::PIPE});
  auto output = co_await cat.communicate("shout");
  std::printf("%s, returncode %d\n", output.out.c_str(), cat.returncode().value());

  auto shell = co_await asyncio::create_subprocess_shell(
      "echo one; echo two >&2; exit 3", {.out = asyncio::PIPE, .err = asyncio::PIPE});
  std::string line = co_await shell.out().readline();
  std::string error = co_await shell.err().read();
  std::printf("%s%s%d\n", line.c_str(), error.c_str(), co_await shell.wait());

  auto sleeper = co_await asyncio::create_subprocess_exec({"sleep", "60"});
  sleeper.terminate();
  std::printf("signal %d\n", co_await sleeper.wait());

  asyncio::Event hung_up;
  auto& loop = asyncio::get_running_loop();
  loop.add_signal_handler(SIGHUP, [&] { hung_up.set(); });
  std::raise(SIGHUP);
  co_await hung_up.wait();
  std::printf("SIGHUP seen, removed %d\n", loop.remove_signal_handler(SIGHUP));

  auto file = co_await asyncio::open_file("api_test.txt", "w");
  co_await file.write("first\nsecond\n");
  co_await file.close();
  std::string text = co_await asyncio::read_file("api_test.txt");
  std::printf("%zu bytes\n", text.size());
  try {
    co_await asyncio::open_file("no/such/file", "r");
  } catch (const asyncio::FileNotFoundError& missing) {
    std::printf("%s\n", missing.what());
  }
}

int main() { asyncio::run(async_main()); }
