#include "asyncio/base/errors.hpp"

#include <gtest/gtest.h>

#include <cerrno>

namespace asyncio {
namespace {

template <class E>
std::exception_ptr error(E value) {
  return std::make_exception_ptr(std::move(value));
}

TEST(Describe, names_our_types_as_python_and_others_in_full) {
  EXPECT_EQ(describe(error(TimeoutError("late"))), "TimeoutError: late");
  EXPECT_EQ(describe(error(TimeoutError())), "TimeoutError");
  EXPECT_EQ(describe(error(std::runtime_error("oops"))), "std::runtime_error: oops");
  EXPECT_EQ(describe(error(CancelledError("why"))), "CancelledError: why");
  EXPECT_EQ(describe(error(KeyboardInterrupt())), "KeyboardInterrupt");
  EXPECT_EQ(describe(error(3)), "int");
  EXPECT_EQ(describe(nullptr), "no exception");
}

TEST(CancelledError, is_no_std_exception) {
  EXPECT_FALSE((std::is_base_of_v<std::exception, CancelledError>));
  EXPECT_FALSE((std::is_base_of_v<std::exception, KeyboardInterrupt>));
}

TEST(OSError, reads_as_python_prints_it) {
  EXPECT_STREQ(OSError(ENOENT, "open", "no/such/file").what(),
               "[Errno 2] No such file or directory: 'no/such/file'");
  EXPECT_STREQ(OSError(EIO, "read").what(), "[Errno 5] Input/output error");
  EXPECT_EQ(OSError(EIO, "read", "disk").operation(), "read");
  EXPECT_EQ(OSError(EIO, "read", "disk").subject(), "disk");
  EXPECT_EQ(OSError(EIO, "read").code().value(), EIO);
}

TEST(OSError, each_errno_has_its_python_type) {
  EXPECT_THROW(throw_os_error(ENOENT, "open"), FileNotFoundError);
  EXPECT_THROW(throw_os_error(ECONNREFUSED, "connect"), ConnectionRefusedError);
  EXPECT_THROW(throw_os_error(ECONNREFUSED, "connect"), ConnectionError);
  EXPECT_THROW(throw_os_error(ECONNRESET, "recv"), ConnectionResetError);
  EXPECT_THROW(throw_os_error(EPIPE, "send"), BrokenPipeError);
  EXPECT_THROW(throw_os_error(EACCES, "open"), PermissionError);
  EXPECT_THROW(throw_os_error(ETIMEDOUT, "connect"), TimeoutError);
  EXPECT_THROW(throw_os_error(EMFILE, "accept"), OSError);
}

TEST(IncompleteReadError, says_how_much_was_read_of_how_much) {
  const IncompleteReadError some("abc", 10);
  EXPECT_STREQ(some.what(), "3 bytes read on a total of 10 expected bytes");
  EXPECT_EQ(some.partial(), "abc");
  EXPECT_EQ(some.expected(), 10U);

  const IncompleteReadError unknown("abc", std::nullopt);
  EXPECT_STREQ(unknown.what(), "3 bytes read on a total of undefined expected bytes");
  EXPECT_FALSE(unknown.has_expected());
}

TEST(ExceptionGroup, counts_in_its_sentence_and_not_in_its_message) {
  const ExceptionGroup one("bad", {error(ValueError("v"))});
  const ExceptionGroup two("bad", {error(ValueError("v")), error(RuntimeError("r"))});

  EXPECT_STREQ(one.what(), "bad (1 sub-exception)");
  EXPECT_STREQ(two.what(), "bad (2 sub-exceptions)");
  EXPECT_EQ(two.message(), "bad");
}

TEST(ExceptionGroup, splits_by_type_and_keeps_the_nesting) {
  const ExceptionGroup inner("inner", {error(ValueError("1")), error(RuntimeError("2"))});
  const ExceptionGroup outer("outer", {error(inner), error(ValueError("3"))});

  auto [matching, rest] = outer.split<ValueError>();

  ASSERT_TRUE(matching && rest);
  std::string values;
  matching->for_each<ValueError>([&](const ValueError& each) { values += each.what(); });
  EXPECT_EQ(values, "13");
  EXPECT_EQ(rest->exceptions().size(), 1U);
  EXPECT_EQ(describe(rest->exceptions()[0]), "ExceptionGroup: inner (1 sub-exception)");
  EXPECT_FALSE(outer.split<TimeoutError>().first);
  EXPECT_FALSE(outer.split<std::exception>().second);
}

TEST(ExceptionGroup, refuses_to_be_empty_or_to_hold_nothing) {
  EXPECT_THROW(ExceptionGroup("x", {}), ValueError);
  EXPECT_THROW(ExceptionGroup("x", {nullptr}), ValueError);
}

TEST(Holds, compares_the_exact_type_without_rethrowing) {
  EXPECT_TRUE(detail::holds<ValueError>(error(ValueError("v"))));
  EXPECT_FALSE(detail::holds<std::exception>(error(ValueError("v"))));
  EXPECT_FALSE(detail::holds<ValueError>(nullptr));
  EXPECT_TRUE(detail::is_interrupt(error(SystemExit(2))));
  EXPECT_TRUE(detail::is_cancelled_error(error(CancelledError())));
}

}  // namespace
}  // namespace asyncio
