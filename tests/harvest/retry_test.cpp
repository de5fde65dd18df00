#include "apps/harvest/retry.hpp"

#include <gtest/gtest.h>
#include <netdb.h>

#include <cerrno>
#include <chrono>
#include <exception>

#include "asyncio/base/errors.hpp"
#include "asyncio/http/errors.hpp"

namespace harvest {
namespace {

using namespace std::chrono_literals;
namespace http = asyncio::http;

TEST(Retry, failures_have_a_kind_and_a_verdict) {
  const auto of = [](const auto& error) { return classify(std::make_exception_ptr(error)); };

  EXPECT_EQ(of(asyncio::TimeoutError("late")).kind, "timeout");
  EXPECT_EQ(of(asyncio::ConnectionRefusedError(ECONNREFUSED, "connect")).kind, "refused");
  EXPECT_EQ(of(asyncio::ConnectionResetError(ECONNRESET, "read")).kind, "reset");
  EXPECT_EQ(of(asyncio::OSError(ENETUNREACH, "connect")).kind, "network");
  EXPECT_EQ(of(http::BodyTooLarge("x")).kind, "too large");
  EXPECT_EQ(of(http::UnsupportedScheme("x")).kind, "scheme");
  EXPECT_EQ(of(std::logic_error("x")).kind, "other");

  EXPECT_TRUE(of(asyncio::GaiError(EAI_AGAIN, "getaddrinfo")).may_pass);
  EXPECT_FALSE(of(asyncio::GaiError(EAI_NONAME, "getaddrinfo")).may_pass);
  EXPECT_FALSE(of(http::TooManyRedirects("x")).may_pass);
  EXPECT_FALSE(of(http::ProtocolError("x")).may_pass);
  EXPECT_TRUE(of(http::ProtocolError("x", http::ErrorKind::incomplete)).may_pass);
}

TEST(Retry, a_failure_is_told_in_one_line) {
  const Failure failure = classify(std::make_exception_ptr(asyncio::TimeoutError("a\n  b: c\n")));
  EXPECT_EQ(failure.sentence, "TimeoutError: a; b: c; ");
}

TEST(Retry, the_pause_doubles_and_has_an_end) {
  EXPECT_EQ(backoff(1, 0.5), 250ms);
  EXPECT_EQ(backoff(2, 0.5), 500ms);
  EXPECT_EQ(backoff(4, 0.5), 2s);
  EXPECT_EQ(backoff(100, 0.5), 10s);
  EXPECT_EQ(backoff(1, 0), 125ms);
  EXPECT_EQ(backoff(1, 1), 375ms);
}

TEST(Retry, the_server_may_ask_for_seconds) {
  EXPECT_EQ(retry_after("3"), 3s);
  EXPECT_EQ(retry_after("86400"), 30s);
  EXPECT_FALSE(retry_after("-1"));
  EXPECT_FALSE(retry_after("Wed, 21 Oct 2015 07:28:00 GMT"));
  EXPECT_FALSE(retry_after(std::nullopt));
}

TEST(Retry, only_temporary_answers_are_tried_again) {
  EXPECT_TRUE(is_temporary(503));
  EXPECT_TRUE(is_temporary(429));
  EXPECT_FALSE(is_temporary(404));
  EXPECT_FALSE(is_temporary(501));
}

}  // namespace
}  // namespace harvest
