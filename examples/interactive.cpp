// interactive: a prompt that reads commands from stdin while work goes on behind it. Works on a
// terminal, a pipe and a file.
//
//   interactive                      type `add 5`, `list`, `quit`
//   echo 'add 1' | interactive
//   interactive --self-test          talks to itself through pipes
#include <fmt/core.h>
#include <asyncio/asyncio.hpp>
#include <cstdlib>
#include <string>
#include <string_view>

using namespace std::chrono_literals;

// [prompt]
class Timers {
 public:
  Timers(asyncio::StreamReader in, asyncio::StreamWriter out)
      : in_(std::move(in)), out_(std::move(out)) {}

  asyncio::Coro<> serve() {
    co_await say("> ");
    while (auto line = co_await in_.next()) {
      if (line->ends_with('\n')) line->pop_back();
      if (*line == "quit") break;
      if (line->starts_with("add "))
        running_.push_back(asyncio::create_task(ring(std::atoi(line->c_str() + 4))));
      else if (*line == "list")
        co_await say(fmt::format("{} timers\n", running_.size()));
      else if (!line->empty())
        co_await say("add MILLISECONDS, list, quit\n");
      co_await say("> ");
    }
    for (auto& timer : running_) timer.cancel();
    if (!running_.empty()) co_await asyncio::wait(running_);
  }

 private:
  asyncio::Coro<> ring(int milliseconds) {
    co_await asyncio::sleep(std::chrono::milliseconds(milliseconds));
    co_await say(fmt::format("\n{} ms are over\n> ", milliseconds));
  }

  asyncio::Coro<> say(std::string text) {
    out_.write(text);
    co_await out_.drain();
  }

  asyncio::StreamReader in_;
  asyncio::StreamWriter out_;
  std::vector<asyncio::Task<>> running_;
};
// [/prompt]

asyncio::Coro<> talk() {
  Timers timers(asyncio::open_stdin(), asyncio::open_stdout());
  co_await timers.serve();
}

// Runs this program as a child, and types for it.
asyncio::Coro<bool> self_test(std::string program) {
  auto child = co_await asyncio::create_subprocess_exec(
      {program}, {.in = asyncio::PIPE, .out = asyncio::PIPE});
  child.in().write("add 1\n");
  std::string said = co_await child.out().readuntil("over\n> ");
  child.in().write("list\nquit\n");
  said += (co_await child.communicate()).out;
  const bool good = said == "> > \n1 ms are over\n> 1 timers\n> " && child.returncode() == 0;
  if (!good) fmt::print("unexpected: {}\n", said);
  co_return good;
}

int main(int argc, char** argv) {
  if (argc > 1 && std::string_view(argv[1]) == "--self-test")
    return asyncio::run(self_test(argv[0])) ? EXIT_SUCCESS : EXIT_FAILURE;
  asyncio::run(talk());
}
