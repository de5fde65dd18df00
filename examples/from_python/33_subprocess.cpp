// subprocess: running programs: input and output, status, signals, a time limit.
#include <fmt/core.h>
#include <fmt/ranges.h>
#include <asyncio/asyncio.hpp>
#include <string>
#include <vector>

using asyncio::PIPE;
using namespace std::chrono_literals;

asyncio::Coro<std::string> shout(std::string text) {
  auto proc =
      co_await asyncio::create_subprocess_exec({"tr", "a-z", "A-Z"}, {.in = PIPE, .out = PIPE});
  auto output = co_await proc.communicate(std::move(text));
  co_return std::move(output.out);
}

std::string strip(std::string line) {
  if (line.ends_with('\n')) line.pop_back();
  return line;
}

asyncio::Coro<> async_main() {
  std::vector<asyncio::Coro<std::string>> words;
  for (const char* word : {"one", "two", "three"}) words.push_back(shout(word));
  auto loud = co_await asyncio::gather(std::move(words));
  fmt::print("['{}']\n", fmt::join(loud, "', '"));

  auto proc = co_await asyncio::create_subprocess_shell(
      "echo to stdout; echo to stderr >&2; exit 3", {.out = PIPE, .err = PIPE});
  auto output = co_await proc.communicate();
  fmt::print("{}, {}, status {}\n", strip(output.out), strip(output.err), *proc.returncode());

  proc = co_await asyncio::create_subprocess_exec({"seq", "3"}, {.out = PIPE});
  while (auto line = co_await proc.out().next()) fmt::print("line {}\n", strip(*line));
  co_await proc.wait();

  proc = co_await asyncio::create_subprocess_exec({"sleep", "3600"});
  try {
    co_await asyncio::wait_for(proc.wait(), 50ms);
  } catch (const asyncio::TimeoutError&) {
    fmt::print("too slow; still running: {}\n", proc.returncode() ? "False" : "True");
    proc.kill();
  }
  fmt::print("ended by signal {}\n", -co_await proc.wait());

  try {
    co_await asyncio::create_subprocess_exec({"no-such-program"});
  } catch (const asyncio::FileNotFoundError& error) {
    fmt::print("{}\n", error.what());
  }
}

int main() { asyncio::run(async_main()); }
