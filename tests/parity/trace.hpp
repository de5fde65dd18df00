// trace.hpp: how a scenario is registered and how it writes its trace.
// Each scenario is a program of python/ rewritten in C++; what it logs must equal the trace CPython
// prints (traces/). The conventions of log() are those of the Python programs: true/false/none,
// lists as [a, b], bytes quoted, exceptions as TypeName(message), groups as ExceptionGroup[e1, e2].
#pragma once
#include <concepts>
#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "asyncio/asyncio.hpp"

namespace parity {

using namespace std::chrono_literals;

// ---- scenarios ----------------------------------------------------------------------------------

// A scenario of the table that main() looks into; one is run a process.
class Scenario {
 public:
  Scenario(std::string_view id, void (*body)());
  std::string_view id;
  void (*body)();
};

// What Python calls KeyError, which asyncio has no use for.
struct KeyError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// ---- formatting ---------------------------------------------------------------------------------

struct Bytes {
  std::string data;
};

std::string fmt(bool value);
std::string fmt(std::string_view text);
inline std::string fmt(const char* text) { return fmt(std::string_view(text)); }
inline std::string fmt(const std::string& text) { return text; }
std::string fmt(const Bytes& bytes);
std::string fmt(const std::exception_ptr& error);  // "none" for null
std::string fmt(const asyncio::CancelledError& error);
std::string fmt(const std::exception& error);
inline std::string fmt(std::nullptr_t) { return "none"; }
inline std::string fmt(std::nullopt_t) { return "none"; }
inline std::string fmt(std::monostate) { return "none"; }

template <class N>
  requires(std::integral<N> && !std::same_as<N, bool>)
std::string fmt(N value) {
  return std::to_string(value);
}

template <class... T>
std::string fmt(const std::tuple<T...>& values);
template <class A, class B>
std::string fmt(const std::pair<A, B>& values);
template <class T>
std::string fmt(const std::optional<T>& value);
template <class T>
std::string fmt(const asyncio::Outcome<T>& outcome);

template <class T>
std::string fmt(const std::vector<T>& values) {
  std::string text = "[";
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i != 0) text += ", ";
    text += fmt(static_cast<const T&>(values[i]));
  }
  return text + "]";
}

template <class... T>
std::string fmt(const std::tuple<T...>& values) {
  return std::apply([](const T&... each) { return fmt(std::vector<std::string>{fmt(each)...}); },
                    values);
}

template <class A, class B>
std::string fmt(const std::pair<A, B>& values) {
  return fmt(std::tie(values.first, values.second));
}

template <class T>
std::string fmt(const std::optional<T>& value) {
  return value ? fmt(*value) : "none";
}

template <class T>
std::string fmt(const asyncio::Outcome<T>& outcome) {
  return outcome.has_value() ? fmt(outcome.value()) : fmt(outcome.exception());
}

void log_line(const std::vector<std::string>& words);

template <class... T>
void log(const T&... values) {
  log_line({fmt(values)...});
}

// The type's name without the message, as Python's type(e).__name__; "none" for null.
std::string type_name(const std::exception_ptr& error);
// The first line of the message alone, as Python's str(e).
std::string message(const std::exception_ptr& error);

// ---- small helpers ------------------------------------------------------------------------------

// Awaits inside the calling task; gives what was thrown (null where nothing was). A handler cannot
// await in C++, so scenarios catch with this and go on afterwards.
template <class A>
asyncio::Coro<std::exception_ptr> caught(A awaitable) {
  try {
    co_await std::move(awaitable);
  } catch (...) {
    co_return std::current_exception();
  }
  co_return nullptr;
}

// The same for a call.
template <class F>
std::exception_ptr thrown_by(F&& call) {
  try {
    std::forward<F>(call)();
  } catch (...) {
    return std::current_exception();
  }
  return nullptr;
}

template <class E>
bool is(const std::exception_ptr& error) {
  if (!error) return false;
  try {
    std::rethrow_exception(error);
  } catch (const E&) {
    return true;
  } catch (...) {
    return false;
  }
}

// Yields to the loop that many times.
asyncio::Coro<> passes(int count);

// What a scenario uses on nearly every line.
using asyncio::all_tasks;
using asyncio::AnyTask;
using asyncio::CancelledError;
using asyncio::Coro;
using asyncio::create_task;
using asyncio::current_task;
using asyncio::ExceptionGroup;
using asyncio::Future;
using asyncio::gather;
using asyncio::get_running_loop;
using asyncio::Loop;
using asyncio::return_exceptions;
using asyncio::RuntimeError;
using asyncio::shield;
using asyncio::Task;
using asyncio::timeout;
using asyncio::ValueError;
using asyncio::wait;
using asyncio::wait_for;
using asyncio::with;
inline auto nap(asyncio::Duration duration = 0s) { return asyncio::sleep(duration); }
inline int requests() { return current_task()->cancelling(); }

}  // namespace parity

// PARITY(s001) { ... }: the body of a scenario, as a plain function; PARITY_RUN(s001, main) where
// it is only asyncio.run(main()).
#define PARITY(name)                                                    \
  static void name##_body();                                            \
  static const ::parity::Scenario name##_scenario(#name, &name##_body); \
  static void name##_body()
#define PARITY_RUN(name, main) \
  PARITY(name) { ::asyncio::run(main()); }
