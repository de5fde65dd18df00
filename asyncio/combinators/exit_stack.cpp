#include "asyncio/combinators/exit_stack.hpp"

namespace asyncio {

Coro<bool> AsyncExitStack::aexit(std::exception_ptr error) {
  const std::exception_ptr given = error;
  while (!exits_.empty()) {
    const std::unique_ptr<Exit> exit = std::move(exits_.back());
    exits_.pop_back();
    try {
      if (co_await exit->leave(error)) error = nullptr;
    } catch (...) {
      error = std::current_exception();
    }
  }
  if (error && error != given) std::rethrow_exception(error);
  co_return given != nullptr&& error == nullptr;
}

Coro<> AsyncExitStack::aclose() { co_await aexit(nullptr); }

}  // namespace asyncio
