// subprocesses.cpp: timeouts, waiters, pipes that break, merge and are dropped.
#include "trace.hpp"

namespace parity::s105 {

using asyncio::PIPE;

Coro<> async_main() {
  auto p = co_await asyncio::create_subprocess_exec({"sleep", "10"});
  if (is<asyncio::TimeoutError>(co_await caught(wait_for(p.wait(), 30ms))))
    log("timeout; still running", p.returncode());
  std::vector<Task<int>> waiters;
  for (int i = 0; i < 3; ++i) waiters.push_back(create_task(p.wait()));
  co_await nap();
  waiters[1].cancel();
  co_await nap();
  p.kill();
  auto r = co_await gather(return_exceptions, waiters);
  log(r[0], type_name(r[1].exception()), r[2], "returncode", p.returncode());

  p = co_await asyncio::create_subprocess_exec({"sh", "-c", "echo partial; exec sleep 10"},
                                               {.out = PIPE});
  std::string line = co_await p.out().readline();
  log(Bytes{line});
  if (is<asyncio::TimeoutError>(co_await caught(wait_for(p.communicate(), 30ms))))
    log("communicate timed out; still running", p.returncode());
  p.kill();
  auto output = co_await p.communicate();
  log(std::pair(Bytes{output.out}, nullptr), p.returncode());
}

PARITY_RUN(s105, async_main)

}  // namespace parity::s105

namespace parity::s106 {

using asyncio::create_subprocess_exec;
using asyncio::DEVNULL;
using asyncio::PIPE;
using asyncio::STDOUT;

Coro<> broken_pipes() {
  const std::string big(1'000'000, 'x');
  auto p = co_await create_subprocess_exec({"sh", "-c", "exec 0<&-; echo done"},
                                           {.in = PIPE, .out = PIPE});
  auto output = co_await p.communicate(big);
  log(std::pair(Bytes{output.out}, nullptr), p.returncode());

  p = co_await create_subprocess_exec({"sh", "-c", "exec 0<&-; echo ready; exec sleep 10"},
                                      {.in = PIPE, .out = PIPE});
  std::string line = co_await p.out().readline();
  log(Bytes{line});
  try {
    p.in().write(big);
    co_await p.in().drain();
    log("no error - must not happen");
  } catch (const asyncio::ConnectionError&) {
    log("drain raised a connection error");
  }
  p.kill();
  log(co_await p.wait());
}

Coro<> async_main() {
  co_await broken_pipes();
  auto p = co_await create_subprocess_exec({"sh", "-c", "echo out; echo err >&2"},
                                           {.out = PIPE, .err = STDOUT});
  auto output = co_await p.communicate();
  log(std::pair(Bytes{output.out}, nullptr));
  p = co_await create_subprocess_exec({"echo", "hidden"}, {.out = DEVNULL, .err = PIPE});
  output = co_await p.communicate();
  log(std::pair(nullptr, Bytes{output.err}), "stdout attribute", p.has_out() ? "some" : "none");
  p = co_await create_subprocess_exec({"echo", "late read"}, {.out = PIPE});
  co_await nap(50ms);
  std::string late = co_await p.out().read();
  log(Bytes{late}, co_await p.wait());
}

PARITY_RUN(s106, async_main)

}  // namespace parity::s106
