// outcome.hpp: Outcome<T>, a value or an exception: what gather(return_exceptions, ...) gives.
#pragma once
#include <exception>
#include <optional>
#include <type_traits>
#include <utility>

#include "asyncio/core/awaitable.hpp"

namespace asyncio {

template <class T>
class [[nodiscard]] Outcome {
 public:
  using value_type = NoVoid<T>;

  Outcome() = default;  // neither yet; filled by whoever made it
  explicit Outcome(std::exception_ptr error) noexcept : error_(std::move(error)) {}
  explicit Outcome(std::in_place_t, value_type value = {}) : value_(std::move(value)) {}

  bool has_value() const noexcept { return value_.has_value(); }
  explicit operator bool() const noexcept { return has_value(); }
  // Throws the exception where there is one.
  const value_type& value() const& {
    if (!value_) std::rethrow_exception(error_);
    return *value_;
  }
  value_type value() && {
    if (!value_) std::rethrow_exception(error_);
    return std::move(*value_);
  }
  // Null where there is a value.
  const std::exception_ptr& exception() const noexcept { return error_; }

 private:
  std::optional<value_type> value_;
  std::exception_ptr error_;
};

}  // namespace asyncio
