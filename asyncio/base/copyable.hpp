// copyable.hpp: whether copying a value compiles. std::is_copy_constructible asks whether a copy
// is declared, and a std::vector of std::unique_ptr declares one that cannot be made.
#pragma once
#include <concepts>
#include <cstddef>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>

namespace asyncio::detail {

template <class T>
struct IsCopyable : std::is_copy_constructible<T> {};

template <class T>
inline constexpr bool kCopyable = IsCopyable<std::remove_cv_t<T>>::value;

// Containers, std::optional and their kind; not those that hold themselves, as JSON values do.
template <class T>
  requires requires { typename T::value_type; } &&
           (!std::same_as<std::remove_cv_t<typename T::value_type>, T>)
struct IsCopyable<T>
    : std::bool_constant<std::is_copy_constructible_v<T> && kCopyable<typename T::value_type>> {};

template <class A, class B>
struct IsCopyable<std::pair<A, B>> : std::bool_constant<kCopyable<A> && kCopyable<B>> {};
template <class... T>
struct IsCopyable<std::tuple<T...>> : std::bool_constant<(kCopyable<T> && ...)> {};
template <class... T>
struct IsCopyable<std::variant<T...>> : std::bool_constant<(kCopyable<T> && ...)> {};

}  // namespace asyncio::detail
