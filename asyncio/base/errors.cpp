#include "asyncio/base/errors.hpp"

#include <cxxabi.h>

#include <cerrno>
#include <cstdlib>
#include <memory>
#include <type_traits>
#include <typeinfo>

namespace asyncio {
namespace {

std::string sentence(std::error_code code, const std::string& subject) {
  std::string text = "[Errno " + std::to_string(code.value()) + "] " + code.message();
  if (!subject.empty()) text += ": '" + subject + "'";
  return text;
}

std::string group_sentence(const std::string& message, std::size_t count) {
  return message + " (" + std::to_string(count) +
         (count == 1 ? " sub-exception)" : " sub-exceptions)");
}

std::string incomplete_sentence(std::size_t got, std::optional<std::size_t> expected) {
  return std::to_string(got) + " bytes read on a total of " +
         (expected ? std::to_string(*expected) : "undefined") + " expected bytes";
}

std::string type_name(const std::type_info& type) {
  int status = 0;
  std::unique_ptr<char, void (*)(void*)> name(
      abi::__cxa_demangle(type.name(), nullptr, nullptr, &status), std::free);
  std::string text = status == 0 ? name.get() : type.name();
  constexpr std::string_view ours = "asyncio::";
  if (text.starts_with(ours)) text.erase(0, ours.size());
  return text;
}

std::string with_message(const std::type_info& type, std::string_view message) {
  std::string text = type_name(type);
  if (!message.empty()) text.append(": ").append(message);
  return text;
}

// Calls make(type) with the OSError subclass that Python has for this errno.
template <class Make>
std::exception_ptr with_error_type(int error_number, Make make) {
  switch (error_number) {
    case ENOENT:
      return make(std::type_identity<FileNotFoundError>());
    case EEXIST:
      return make(std::type_identity<FileExistsError>());
    case EACCES:
    case EPERM:
      return make(std::type_identity<PermissionError>());
    case EISDIR:
      return make(std::type_identity<IsADirectoryError>());
    case ENOTDIR:
      return make(std::type_identity<NotADirectoryError>());
    case ESRCH:
      return make(std::type_identity<ProcessLookupError>());
    case ECHILD:
      return make(std::type_identity<ChildProcessError>());
    case EAGAIN:
    case EALREADY:
    case EINPROGRESS:
      return make(std::type_identity<BlockingIOError>());
    case EINTR:
      return make(std::type_identity<InterruptedError>());
    case ECONNREFUSED:
      return make(std::type_identity<ConnectionRefusedError>());
    case ECONNRESET:
      return make(std::type_identity<ConnectionResetError>());
    case ECONNABORTED:
      return make(std::type_identity<ConnectionAbortedError>());
    case EPIPE:
    case ESHUTDOWN:
      return make(std::type_identity<BrokenPipeError>());
    default:
      return make(std::type_identity<OSError>());
  }
}

}  // namespace

OSError::OSError(int error_number, std::string operation, std::string subject)
    : OSError(std::error_code(error_number, std::generic_category()), std::move(operation),
              std::move(subject)) {}

OSError::OSError(std::error_code code, std::string operation, std::string subject)
    : std::system_error(code),
      operation_(std::move(operation)),
      subject_(std::move(subject)),
      text_(sentence(code, subject_)) {}

OSError::OSError(int error_number, ErrorText words, std::string operation, std::string subject)
    : OSError(std::error_code(error_number, std::generic_category()), std::move(words),
              std::move(operation), std::move(subject)) {}

OSError::OSError(std::error_code code, ErrorText words, std::string operation, std::string subject)
    : std::system_error(code),
      operation_(std::move(operation)),
      subject_(std::move(subject)),
      text_(std::move(words.text)) {}

std::exception_ptr make_os_error(int error_number, std::string operation, std::string subject) {
  const std::error_code code(error_number, std::generic_category());
  std::string words = sentence(code, subject);
  return make_os_error(error_number, ErrorText{std::move(words)}, std::move(operation),
                       std::move(subject));
}

std::exception_ptr make_os_error(int error_number, ErrorText words, std::string operation,
                                 std::string subject) {
  if (error_number == ETIMEDOUT) return std::make_exception_ptr(TimeoutError(words.text));
  return with_error_type(error_number, [&]<class Error>(std::type_identity<Error>) {
    return std::make_exception_ptr(
        Error(error_number, std::move(words), std::move(operation), std::move(subject)));
  });
}

void throw_os_error(int error_number, std::string operation, std::string subject) {
  std::rethrow_exception(make_os_error(error_number, std::move(operation), std::move(subject)));
}

IncompleteReadError::IncompleteReadError(std::string partial, std::optional<std::size_t> expected)
    : EOFError(incomplete_sentence(partial.size(), expected)),
      partial_(std::move(partial)),
      expected_(expected) {}

ExceptionGroup::ExceptionGroup(const std::string& message,
                               std::vector<std::exception_ptr> exceptions)
    : std::runtime_error(group_sentence(message, exceptions.size())),
      message_(message),
      exceptions_(std::move(exceptions)) {
  if (exceptions_.empty())
    throw ValueError("second argument (exceptions) must be a non-empty sequence");
  for (std::size_t i = 0; i < exceptions_.size(); ++i)
    if (!exceptions_[i])
      throw ValueError("Item " + std::to_string(i) +
                       " of second argument (exceptions) is not an exception");
}

ExceptionGroup::Halves ExceptionGroup::split_by(bool (*matches)(const std::exception_ptr&)) const {
  std::vector<std::exception_ptr> matching;
  std::vector<std::exception_ptr> rest;
  for (const std::exception_ptr& each : exceptions_) {
    if (matches(each)) {
      matching.push_back(each);
      continue;
    }
    try {
      std::rethrow_exception(each);
    } catch (const ExceptionGroup& nested) {
      Halves halves = nested.split_by(matches);
      if (halves.first) matching.push_back(std::make_exception_ptr(*halves.first));
      if (halves.second) rest.push_back(std::make_exception_ptr(*halves.second));
    } catch (...) {
      rest.push_back(each);
    }
  }
  Halves result;
  if (!matching.empty()) result.first.emplace(message_, std::move(matching));
  if (!rest.empty()) result.second.emplace(message_, std::move(rest));
  return result;
}

std::string describe(const std::exception_ptr& error) {
  if (!error) return "no exception";
  try {
    std::rethrow_exception(error);
  } catch (const CancelledError& cancelled) {
    return with_message(typeid(cancelled), cancelled.message());
  } catch (const SystemExit& exit) {
    return with_message(typeid(exit), std::to_string(exit.code()));
  } catch (const std::exception& standard) {
    return with_message(typeid(standard), standard.what());
  } catch (...) {
    const std::type_info* type = abi::__cxa_current_exception_type();
    return type == nullptr ? "unknown exception" : type_name(*type);
  }
}

}  // namespace asyncio
