// errors.hpp: the exceptions. Names, hierarchy and sentences are Python's.
// Three kinds, never mixed: misuse (RuntimeError, ValueError, ...), the world (OSError), and our
// own bugs, which abort (assert.hpp). Source: docs.python.org/3/library/exceptions.html and
// docs.python.org/3/library/asyncio-exceptions.html.
#pragma once
#include <cstddef>
#include <exception>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <typeinfo>
#include <utility>
#include <vector>

namespace asyncio {

// The awaiting task was cancelled. Not a std::exception, so that `catch (const std::exception&)`
// cannot swallow a cancellation; `catch (...)` must rethrow it.
class CancelledError final {
 public:
  explicit CancelledError(std::string message = {}) noexcept : message_(std::move(message)) {}
  const std::string& message() const noexcept { return message_; }

 private:
  std::string message_;
};

// Ctrl-C while run() was running. Not a std::exception, for the same reason.
class KeyboardInterrupt final {};

// A request to end the program with `code`; leaves run() like KeyboardInterrupt.
class SystemExit final {
 public:
  explicit SystemExit(int code = 0) noexcept : code_(code) {}
  int code() const noexcept { return code_; }

 private:
  int code_;
};

// Thrown into a suspended AsyncGenerator by aclose(). Let it pass.
class GeneratorExit final {};

struct RuntimeError : std::runtime_error {
  using std::runtime_error::runtime_error;
};
struct ValueError : std::invalid_argument {
  using std::invalid_argument::invalid_argument;
};
struct TypeError : std::invalid_argument {
  using std::invalid_argument::invalid_argument;
};
struct LookupError : std::out_of_range {
  using std::out_of_range::out_of_range;
};
struct InvalidStateError : RuntimeError {
  using RuntimeError::RuntimeError;
};
struct NotImplementedError : RuntimeError {
  using RuntimeError::RuntimeError;
};
struct SendfileNotAvailableError : RuntimeError {
  using RuntimeError::RuntimeError;
};
struct StopAsyncIteration : RuntimeError {
  using RuntimeError::RuntimeError;
};
struct QueueEmpty : RuntimeError {
  using RuntimeError::RuntimeError;
  QueueEmpty() : RuntimeError("") {}
};
struct QueueFull : RuntimeError {
  using RuntimeError::RuntimeError;
  QueueFull() : RuntimeError("") {}
};
struct QueueShutDown : RuntimeError {
  using RuntimeError::RuntimeError;
  QueueShutDown() : RuntimeError("") {}
};
struct BrokenBarrierError : RuntimeError {
  using RuntimeError::RuntimeError;
};
struct TimeoutError : std::runtime_error {
  using std::runtime_error::runtime_error;
  TimeoutError() : std::runtime_error("") {}
};

// The words of an error where Python says something else than strerror() does.
struct ErrorText {
  std::string text;
};

// The world said no: an errno, the operation that failed, and its peer or path.
// what() reads as Python prints it: "[Errno 2] No such file or directory: 'no/such/file'".
class OSError : public std::system_error {
 public:
  OSError(int error_number, std::string operation, std::string subject = {});
  explicit OSError(std::error_code code, std::string operation = {}, std::string subject = {});
  // what() is `words`, to the letter.
  OSError(std::error_code code, ErrorText words, std::string operation, std::string subject = {});
  OSError(int error_number, ErrorText words, std::string operation, std::string subject = {});

  int error_number() const noexcept { return code().value(); }
  const std::string& operation() const noexcept { return operation_; }  // "connect"
  const std::string& subject() const noexcept { return subject_; }      // peer or path
  const char* what() const noexcept override { return text_.c_str(); }

 private:
  std::string operation_;
  std::string subject_;
  std::string text_;
};

struct FileNotFoundError : OSError {
  using OSError::OSError;
};
struct FileExistsError : OSError {
  using OSError::OSError;
};
struct PermissionError : OSError {
  using OSError::OSError;
};
struct IsADirectoryError : OSError {
  using OSError::OSError;
};
struct NotADirectoryError : OSError {
  using OSError::OSError;
};
struct ProcessLookupError : OSError {
  using OSError::OSError;
};
struct ChildProcessError : OSError {
  using OSError::OSError;
};
struct BlockingIOError : OSError {
  using OSError::OSError;
};
struct InterruptedError : OSError {
  using OSError::OSError;
};
struct ConnectionError : OSError {
  using OSError::OSError;
};
struct ConnectionRefusedError : ConnectionError {
  using ConnectionError::ConnectionError;
};
struct ConnectionResetError : ConnectionError {
  using ConnectionError::ConnectionError;
};
struct ConnectionAbortedError : ConnectionError {
  using ConnectionError::ConnectionError;
};
struct BrokenPipeError : ConnectionError {
  using ConnectionError::ConnectionError;
};
// A name could not be resolved; error_number() is an EAI_* code of getaddrinfo(3).
struct GaiError : OSError {
  using OSError::OSError;
};

// The OSError subclass that Python would raise for this errno.
[[noreturn]] void throw_os_error(int error_number, std::string operation, std::string subject = {});
std::exception_ptr make_os_error(int error_number, std::string operation, std::string subject = {});
std::exception_ptr make_os_error(int error_number, ErrorText words, std::string operation,
                                 std::string subject = {});

struct EOFError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// The stream ended before the requested data was complete.
class IncompleteReadError : public EOFError {
 public:
  // No `expected` where no number was asked for (readuntil).
  IncompleteReadError(std::string partial, std::optional<std::size_t> expected);
  const std::string& partial() const noexcept { return partial_; }
  // Bytes asked for; 0 where has_expected() is false.
  std::size_t expected() const noexcept { return expected_.value_or(0); }
  bool has_expected() const noexcept { return expected_.has_value(); }

 private:
  std::string partial_;
  std::optional<std::size_t> expected_;
};

// The separator was not found within the reader's limit; the buffer is untouched.
class LimitOverrunError : public std::runtime_error {
 public:
  LimitOverrunError(const std::string& message, std::size_t consumed)
      : std::runtime_error(message), consumed_(consumed) {}
  std::size_t consumed() const noexcept { return consumed_; }  // bytes that may be skipped

 private:
  std::size_t consumed_;
};

// Several failures at once, in the order they happened.
class ExceptionGroup : public std::runtime_error {
 public:
  // Throws ValueError where `exceptions` is empty or holds a null pointer.
  ExceptionGroup(const std::string& message, std::vector<std::exception_ptr> exceptions);

  const std::string& message() const noexcept { return message_; }  // without the count
  const std::vector<std::exception_ptr>& exceptions() const noexcept { return exceptions_; }

  // Calls visit(error) for every leaf of type E, in order, through nested groups.
  template <class E, class F>
  void for_each(F&& visit) const {
    for (const std::exception_ptr& each : exceptions_) visit_leaf<E>(each, visit);
  }

  // (what is of type E, the rest), each with the nesting kept; nullopt where there is nothing.
  template <class E>
  std::pair<std::optional<ExceptionGroup>, std::optional<ExceptionGroup>> split() const {
    return split_by(&is_type<E>);
  }
  template <class E>
  std::optional<ExceptionGroup> subgroup() const {
    return split<E>().first;
  }

 private:
  using Halves = std::pair<std::optional<ExceptionGroup>, std::optional<ExceptionGroup>>;

  template <class E>
  static bool is_type(const std::exception_ptr& error) noexcept {
    try {
      std::rethrow_exception(error);
    } catch (const E&) {
      return true;
    } catch (...) {
      return false;
    }
  }
  template <class E, class F>
  static void visit_leaf(const std::exception_ptr& error, F& visit) {
    try {
      std::rethrow_exception(error);
    } catch (const ExceptionGroup& group) {
      group.for_each<E>(visit);
    } catch (const E& leaf) {
      visit(leaf);
    } catch (...) {  // a leaf of another type
    }
  }
  Halves split_by(bool (*matches)(const std::exception_ptr&)) const;

  std::string message_;
  std::vector<std::exception_ptr> exceptions_;
};

namespace detail {
// Whether `error` holds exactly an E; cheaper than to rethrow it. False for null.
template <class E>
bool holds(const std::exception_ptr& error) noexcept {
  return error != nullptr && *error.__cxa_exception_type() == typeid(E);
}
inline bool is_cancelled_error(const std::exception_ptr& error) noexcept {
  return holds<CancelledError>(error);
}
// KeyboardInterrupt or SystemExit: leaves the loop at once, and is never collected.
inline bool is_interrupt(const std::exception_ptr& error) noexcept {
  return holds<KeyboardInterrupt>(error) || holds<SystemExit>(error);
}
}  // namespace detail

// "TypeName: what()". Our types by their Python names, others by their qualified C++ names; the
// bare name where there is no message; "no exception" for null.
std::string describe(const std::exception_ptr& error);

}  // namespace asyncio
