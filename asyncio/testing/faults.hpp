// faults.hpp: the outside world going wrong on purpose. A decorator around any backend makes the
// n-th call of one operation fail, or transfer less than it was asked to.
//
//   auto plan = std::make_shared<FaultPlan>(Fault{"receive", 3, ECONNRESET});
//   Loop loop({.make_backend = [&] { return with_faults(detail::make_epoll_backend(), plan); }});
//   ...
//   plan->injected();  // whether the third receive came
//
// To go through all: for each of fault_operations(), each of its errors and call 1, 2, ... until a
// run is not reached. tests/faults does that with whole programs.
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "asyncio/io/backend.hpp"

namespace asyncio::testing {

inline constexpr int kShort = 0;  // instead of an errno: one byte is transferred

// What goes wrong. EAGAIN delays: the operation was possible, and its watcher is told so the next
// time the loop waits. An error of `watch` is thrown as OSError, all others are results.
struct Fault {
  std::string operation;  // a name of fault_operations(); empty: nothing goes wrong
  int call = 1;           // which call of it; the first is 1
  int error = kShort;
};

struct FaultOperation {
  const char* name;
  std::vector<int> errors;  // what the kernel says of it; kShort where it can be short
};
// Every operation of a backend that can fail, named as in io/backend.hpp; "file_..." are the calls
// of io/file_call.hpp. Those fail whatever the backend: in threads, nobody could make them.
const std::vector<FaultOperation>& fault_operations();

// What shall happen, and what has. Outlives its backend.
class FaultPlan {
 public:
  explicit FaultPlan(Fault fault = {}) : fault_(std::move(fault)) {}
  bool injected() const noexcept { return injected_; }
  // A fault after which the program should come to the same result.
  bool is_harmless() const noexcept;
  bool is_about_files() const noexcept { return fault_.operation.starts_with("file_"); }
  std::uint64_t calls() const noexcept { return calls_; }  // of all operations
  std::string describe() const;                            // "call 3 of receive: ECONNRESET"

  // Called by the backend at each operation; true where this is the one.
  bool strikes(std::string_view operation) noexcept;
  int error() const noexcept { return fault_.error; }

 private:
  Fault fault_;
  int seen_ = 0;
  bool injected_ = false;
  std::uint64_t calls_ = 0;
};

std::unique_ptr<detail::IoBackend> with_faults(std::unique_ptr<detail::IoBackend> backend,
                                               std::shared_ptr<FaultPlan> plan);

}  // namespace asyncio::testing
