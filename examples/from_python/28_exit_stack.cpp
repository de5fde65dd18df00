// AsyncExitStack: as many context managers as there happen to be, left in reverse order.
#include <fmt/core.h>
#include <asyncio/asyncio.hpp>
#include <exception>
#include <string>

using namespace std::chrono_literals;

class Connection {
 public:
  explicit Connection(std::string name) : name_(std::move(name)) {}
  asyncio::Coro<> aenter() {
    co_await asyncio::sleep(10ms);
    fmt::print("connect {}\n", name_);
  }
  asyncio::Coro<bool> aexit(std::exception_ptr) {
    co_await asyncio::sleep(10ms);
    fmt::print("disconnect {}\n", name_);
    co_return false;
  }

 private:
  std::string name_;
};

asyncio::Coro<> goodbye() {
  co_await asyncio::sleep(10ms);
  fmt::print("goodbye\n");
}

asyncio::Coro<> async_main() {
  co_await asyncio::with(asyncio::AsyncExitStack(),
                         [](asyncio::AsyncExitStack& stack) -> asyncio::Coro<> {
                           for (std::string name : {"a", "b", "c"})
                             co_await stack.enter(Connection(name));
                           stack.push_callback(goodbye);
                           fmt::print("all connected\n");
                         });

  try {
    co_await asyncio::with(asyncio::AsyncExitStack(),
                           [](asyncio::AsyncExitStack& stack) -> asyncio::Coro<> {
                             co_await stack.enter(Connection("d"));
                             throw asyncio::ValueError("stop here");
                           });
  } catch (const asyncio::ValueError& error) {
    fmt::print("ValueError: {}\n", error.what());
  }
}

int main() { asyncio::run(async_main()); }
