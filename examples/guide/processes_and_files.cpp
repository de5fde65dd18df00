// The programs of docs/guide/processes_and_files.md: children, time limits, files, a watched
// folder.
#include <fmt/core.h>
#include <asyncio/asyncio.hpp>
#include <csignal>
#include <string>
#include <vector>

using namespace std::chrono_literals;

// [communicate]
asyncio::Coro<std::string> sorted(std::string lines) {
  auto sort = co_await asyncio::create_subprocess_exec({"sort", "-r"},
                                                       {.in = asyncio::PIPE, .out = asyncio::PIPE});
  asyncio::ProcessOutput output = co_await sort.communicate(std::move(lines));
  if (sort.returncode() != 0) throw std::runtime_error("sort failed");
  co_return output.out;
}
// [/communicate]

// [lines]
asyncio::Coro<> follow() {
  auto shell = co_await asyncio::create_subprocess_shell(
      "echo one; echo two >&2; exit 3", {.out = asyncio::PIPE, .err = asyncio::STDOUT});
  while (auto line = co_await shell.out().next()) fmt::print("said {}", *line);
  fmt::print("status {}\n", co_await shell.wait());
}
// [/lines]

// [limit]
asyncio::Coro<std::string> ask_quickly(std::vector<std::string> command) {
  auto child = co_await asyncio::create_subprocess_exec(std::move(command), {.out = asyncio::PIPE});
  // However the body is left, the child is killed and reaped behind it.
  co_return co_await asyncio::with(
      child, [](asyncio::Process& running) -> asyncio::Coro<std::string> {
        asyncio::ProcessOutput output = co_await asyncio::wait_for(running.communicate(), 200ms);
        co_return output.out;
      });
}
// [/limit]

// [stop]
asyncio::Coro<> stop_politely() {
  auto sleeper = co_await asyncio::create_subprocess_exec({"sleep", "3600"});
  int code = co_await sleeper.stop(2s);  // SIGTERM, two seconds, SIGKILL
  fmt::print("ended by signal {}\n", -code);
}
// [/stop]

// [files]
asyncio::Coro<> keep_notes() {
  co_await asyncio::os::makedirs("notes", true);
  auto file = co_await asyncio::open_file("notes/today.txt", "w");
  co_await asyncio::with(file, [](asyncio::File& open) -> asyncio::Coro<> {
    co_await open.write("first\n");
    co_await open.write("second\n");
    co_await open.fsync();
  });

  file = co_await asyncio::open_file("notes/today.txt");
  while (auto line = co_await file.next()) fmt::print("note: {}", *line);
  co_await file.close();

  for (const std::string& name : co_await asyncio::os::listdir("notes")) {
    asyncio::FileStatus status = co_await asyncio::os::stat("notes/" + name);
    fmt::print("{}: {} bytes\n", name, status.size);
  }
}
// [/files]

// [watch]
asyncio::Coro<> wait_for_file(std::string folder, std::string name) {
  auto changes = asyncio::watch_directory(folder);
  auto writer = asyncio::create_task(asyncio::write_file(folder + "/" + name, "here"));
  while (auto change = co_await changes.next()) {
    if (change->kind != asyncio::FileChange::Kind::closed || change->name != name) continue;
    fmt::print("{} has arrived\n", name);
    break;
  }
  co_await changes.aclose();
  co_await writer;
}
// [/watch]

// [signals]
asyncio::Coro<> serve_until_told() {
  asyncio::Event stop;
  auto& loop = asyncio::get_running_loop();
  for (int signal : {SIGTERM, SIGHUP}) loop.add_signal_handler(signal, [&] { stop.set(); });
  loop.call_soon([] { std::raise(SIGTERM); });  // as `kill` or systemd would
  co_await stop.wait();
  for (int signal : {SIGTERM, SIGHUP}) loop.remove_signal_handler(signal);
  fmt::print("told to stop\n");
}
// [/signals]

asyncio::Coro<> async_main() {
  fmt::print("{}", co_await sorted("a\nc\nb\n"));
  co_await follow();
  fmt::print("{}", co_await ask_quickly({"echo", "quick"}));
  try {
    co_await ask_quickly({"sleep", "3600"});
  } catch (const asyncio::TimeoutError&) {
    fmt::print("too slow, killed\n");
  }
  co_await stop_politely();
  co_await keep_notes();
  co_await wait_for_file("notes", "reply.txt");
  co_await serve_until_told();
}

int main() { asyncio::run(async_main()); }
