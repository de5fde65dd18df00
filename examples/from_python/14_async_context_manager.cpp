// An async context manager is any class with aenter and aexit; `async with` is with(manager, body).
// aexit sees the exception that is leaving, and returns true to swallow it.
#include <fmt/core.h>
#include <asyncio/asyncio.hpp>
#include <exception>
#include <stdexcept>
#include <string>

using namespace std::chrono_literals;

struct MissingRow : std::runtime_error {
  using runtime_error::runtime_error;
};

template <class Error>
bool holds(const std::exception_ptr& error) {
  try {
    if (error) std::rethrow_exception(error);
  } catch (const Error&) {
    return true;
  } catch (...) {}
  return false;
}

std::string text_of(const std::exception_ptr& error) {
  try {
    if (error) std::rethrow_exception(error);
  } catch (const MissingRow& missing) {
    return fmt::format("'{}'", missing.what());
  } catch (const std::exception& other) {
    return other.what();
  }
  return "None";
}

class Connection {
 public:
  explicit Connection(std::string name) : name_(std::move(name)) {}

  asyncio::Coro<> aenter() {
    co_await asyncio::sleep(10ms);
    fmt::print("open {}\n", name_);
  }
  asyncio::Coro<bool> aexit(std::exception_ptr error) {
    co_await asyncio::sleep(10ms);
    fmt::print("close {}: {}\n", name_, text_of(error));
    co_return holds<MissingRow>(error);
  }
  asyncio::Coro<std::string> query(std::string text) {
    co_await asyncio::sleep(10ms);
    if (text == "bad") throw asyncio::ValueError("bad query");
    if (text == "missing") throw MissingRow("missing row");
    co_return text + " on " + name_;
  }

 private:
  std::string name_;
};

asyncio::Coro<> async_main() {
  co_await asyncio::with(Connection("db"), [](Connection& connection) -> asyncio::Coro<> {
    fmt::print("{}\n", co_await connection.query("select"));
  });

  try {
    co_await asyncio::with(Connection("db"), [](Connection& connection) -> asyncio::Coro<> {
      co_await connection.query("bad");
    });
  } catch (const asyncio::ValueError& error) {
    fmt::print("came through: {}\n", error.what());
  }

  co_await asyncio::with(Connection("db"), [](Connection& connection) -> asyncio::Coro<> {
    co_await connection.query("missing");
  });
  fmt::print("swallowed\n");
}

int main() { asyncio::run(async_main()); }
