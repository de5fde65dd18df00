// common.hpp: what the Asio rows share. Asio gets its best case: one thread, the io_context without
// locks where no other thread is involved, its own recycling of coroutine frames and handlers.
#pragma once

#include <asio.hpp>
#include <exception>
#include <utility>

#include "bench/support/rows.hpp"

namespace peer {

template <class T>
using Work = asio::awaitable<T>;

inline void rethrow(std::exception_ptr error) {
  if (error) std::rethrow_exception(error);
}

// Runs the coroutine and everything that it starts, on an io_context that only this thread may use.
template <class MakeWork>
void run(MakeWork make_work) {
  asio::io_context context(ASIO_CONCURRENCY_HINT_UNSAFE);
  asio::co_spawn(context, make_work(), rethrow);
  context.run();
}

}  // namespace peer
