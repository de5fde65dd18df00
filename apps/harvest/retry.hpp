// retry.hpp: what went wrong, in one word, whether to try again, and when. Pure.
#pragma once
#include <exception>
#include <optional>
#include <string>
#include <string_view>

#include "asyncio/base/clock.hpp"

namespace harvest {

struct Failure {
  std::string kind;       // "dns", "refused", "reset", "timeout", "tls", "redirects", ...
  std::string sentence;   // One line.
  bool may_pass = false;  // Another attempt may succeed.
};

// Of anything that derives from std::exception.
Failure classify(const std::exception_ptr& error);

// Whether an answer says "later": 429, 500, 502, 503, 504.
bool is_temporary(int status) noexcept;

// Doubles with each attempt (1, 2, ...) up to ten seconds. `jitter`, from 0 to 1, spreads those
// who failed together: half to one and a half times the delay.
asyncio::Duration backoff(int attempt, double jitter);

// Seconds of a Retry-After header, at most 30; nullopt where it is absent or a date.
std::optional<asyncio::Duration> retry_after(std::optional<std::string_view> header);

}  // namespace harvest
