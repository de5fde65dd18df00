// logging.hpp: where the library's own messages go. By default lines on stderr; replace the sink
// to send them to another logger. Thread safe. Source: Python's logging levels.
#pragma once
#include <functional>
#include <string_view>

namespace asyncio {

enum class LogLevel { debug = 10, info = 20, warning = 30, error = 40 };

namespace logging {

using Sink = std::function<void(LogLevel, std::string_view message)>;

// An empty sink restores the default. The sink must not throw; it may be called on any thread.
void set_sink(Sink sink);
void set_level(LogLevel lowest);  // what is below is dropped; default: warning
bool is_enabled(LogLevel level) noexcept;
void log(LogLevel level, std::string_view message) noexcept;

const char* level_name(LogLevel level) noexcept;  // "WARNING", as Python prints it

}  // namespace logging
}  // namespace asyncio
