#include "apps/harvest/retry.hpp"

#include <netdb.h>

#include <algorithm>
#include <charconv>
#include <chrono>

#include "asyncio/base/errors.hpp"
#include "asyncio/http/errors.hpp"
#include "asyncio/net/tls/ssl.hpp"

namespace harvest {
namespace {

using namespace std::chrono_literals;
namespace http = asyncio::http;

const char* kind_of(http::ErrorKind kind) {
  switch (kind) {
    case http::ErrorKind::protocol:
      return "protocol";
    case http::ErrorKind::incomplete:
      return "incomplete";
    case http::ErrorKind::body_too_large:
      return "too large";
    case http::ErrorKind::too_many_redirects:
      return "redirects";
    case http::ErrorKind::unsupported_scheme:
      return "scheme";
  }
  return "protocol";
}

std::string one_line(std::string text) {
  for (std::size_t at = text.find('\n'); at != std::string::npos; at = text.find('\n', at)) {
    const std::size_t end = text.find_first_not_of(" \n", at);
    text.replace(at, (end == std::string::npos ? text.size() : end) - at, "; ");
  }
  return text;
}

}  // namespace

Failure classify(const std::exception_ptr& error) {
  Failure failure{.kind = "other", .sentence = one_line(asyncio::describe(error))};
  try {
    std::rethrow_exception(error);
  } catch (const http::Error& problem) {
    failure.kind = kind_of(problem.kind());
    failure.may_pass = problem.kind() == http::ErrorKind::incomplete;
  } catch (const asyncio::TimeoutError&) {
    failure.kind = "timeout";
    failure.may_pass = true;
  } catch (const asyncio::GaiError& problem) {
    failure.kind = "dns";
    failure.may_pass = problem.error_number() == EAI_AGAIN;
  } catch (const asyncio::SslEofError&) {
    failure.kind = "tls";
    failure.may_pass = true;
  } catch (const asyncio::SslError&) {
    failure.kind = "tls";
  } catch (const asyncio::ConnectionRefusedError&) {
    failure.kind = "refused";
    failure.may_pass = true;
  } catch (const asyncio::ConnectionError&) {
    failure.kind = "reset";
    failure.may_pass = true;
  } catch (const asyncio::OSError&) {
    failure.kind = "network";
    failure.may_pass = true;
  } catch (const std::exception&) {
    // Said by its sentence.
  }
  return failure;
}

bool is_temporary(int status) noexcept {
  return status == 429 || status == 500 || status == 502 || status == 503 || status == 504;
}

asyncio::Duration backoff(int attempt, double jitter) {
  constexpr std::chrono::duration<double> kLongest = 10s;
  std::chrono::duration<double> delay = 250ms;
  for (int i = 1; i < attempt && delay < kLongest; ++i) delay *= 2;
  return std::chrono::duration_cast<asyncio::Duration>(std::min(delay, kLongest) * (0.5 + jitter));
}

std::optional<asyncio::Duration> retry_after(std::optional<std::string_view> header) {
  if (!header) return std::nullopt;
  int seconds = 0;
  const auto [end, error] =
      std::from_chars(header->data(), header->data() + header->size(), seconds);
  if (error != std::errc() || end != header->data() + header->size() || seconds < 0)
    return std::nullopt;
  return std::chrono::seconds(std::min(seconds, 30));
}

}  // namespace harvest
