// function_name.hpp: short names for what std::source_location calls a function.
#pragma once
#include <string>
#include <string_view>

namespace asyncio::detail {

// "main" of "asyncio::Coro<> (anonymous namespace)::app::main(int) [T = int]", "Server::serve" of
// a member function (a class is told from a namespace by its capital letter), "<lambda>" of one.
std::string short_function_name(std::string_view pretty);

}  // namespace asyncio::detail
