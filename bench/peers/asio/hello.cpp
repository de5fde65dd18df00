// How long does a program take that runs one coroutine on Asio and ends?
#include <asio.hpp>
#include <cstdio>

asio::awaitable<void> hello() {
  co_await asio::post(co_await asio::this_coro::executor, asio::use_awaitable);
  std::puts("hello");
}

int main() {
  asio::io_context context(1);
  asio::co_spawn(context, hello(), asio::detached);
  context.run();
}
