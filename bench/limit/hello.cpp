// How long does a program take that runs one coroutine on the limit scheduler and ends?
#include <cstdio>

#include "bench/limit/scheduler.hpp"

limit::Work<int> hello() {
  co_await limit::yield();
  std::puts("hello");
  co_return 0;
}

int main() { return limit::run(hello()); }
