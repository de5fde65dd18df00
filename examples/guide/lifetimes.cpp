// The programs of docs/guide/lifetimes.md: the right forms. The wrong ones stand in
// tests/compile_fail/.
#include <fmt/core.h>
#include <asyncio/asyncio.hpp>
#include <memory>
#include <string>
#include <string_view>

using namespace std::chrono_literals;

// [by_value]
asyncio::Coro<std::size_t> length_of(std::string text) {  // the coroutine owns its copy
  co_await asyncio::sleep(1ms);
  co_return text.size();
}

asyncio::Coro<std::size_t> view_length(std::string_view text) {  // fine while the caller awaits it
  co_await asyncio::sleep(1ms);
  co_return text.size();
}
// [/by_value]

// [callable]
asyncio::Task<std::size_t> start(std::string prefix) {
  // The lambda moves into the task and lives as long as it does.
  return asyncio::create_task(
      [prefix](std::string text) -> asyncio::Coro<std::size_t> {
        co_return co_await length_of(prefix + text);
      },
      std::string("and more"));
}
// [/callable]

// [group]
asyncio::Coro<> count_words(const std::string& text, int& words) {
  co_await asyncio::sleep(1ms);
  words = 1;
  for (char c : text) words += c == ' ';
}

asyncio::Coro<> share_a_frame() {
  const std::string text = "a task group makes references safe";
  int words = 0;
  co_await asyncio::with(asyncio::TaskGroup(), [&](asyncio::TaskGroup& group) -> asyncio::Coro<> {
    group.create_task(count_words(text, words));  // ends before `text` and `words` do
    co_return;
  });
  fmt::print("{} words\n", words);
}
// [/group]

// [shared]
class Session : public std::enable_shared_from_this<Session> {
 public:
  static asyncio::Coro<> serve(std::shared_ptr<Session> self) {  // keeps the object alive
    co_await asyncio::sleep(1ms);
    fmt::print("session {} served\n", self->id_);
  }
  explicit Session(int id) : id_(id) {}

 private:
  int id_;
};
// [/shared]

asyncio::Coro<> async_main() {
  fmt::print("{} {}\n", co_await length_of("by value"), co_await view_length("a literal"));
  auto task = start("prefix ");
  fmt::print("{}\n", co_await task);
  co_await share_a_frame();
  auto served = asyncio::create_task(Session::serve(std::make_shared<Session>(7)));
  co_await served;
}

int main() { asyncio::run(async_main()); }
