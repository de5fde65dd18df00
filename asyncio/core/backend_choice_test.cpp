// Which backend a loop gets: by its options, by ASYNCIO_BACKEND, and where the kernel forbids one.
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <string>
#include <thread>

#include "asyncio/base/errors.hpp"
#include "asyncio/base/logging.hpp"
#include "asyncio/core/runners.hpp"
#include "asyncio/core/sleep.hpp"
#include "asyncio/io/io_uring.hpp"

using namespace std::chrono_literals;

namespace asyncio {
namespace {

// ASYNCIO_BACKEND for a scope; null: unset.
class Environment {
 public:
  explicit Environment(const char* value) {
    if (const char* before = std::getenv(kName)) before_ = before;
    set(value);
  }
  Environment(const Environment&) = delete;
  Environment& operator=(const Environment&) = delete;
  ~Environment() { set(before_.empty() ? nullptr : before_.c_str()); }

 private:
  static constexpr const char* kName = "ASYNCIO_BACKEND";
  static void set(const char* value) {
    if (value == nullptr)
      ::unsetenv(kName);
    else
      ::setenv(kName, value, 1);
  }
  std::string before_;
};

std::string backend_of(LoopOptions options) { return Loop(std::move(options)).backend().name(); }

class BackendChoice : public ::testing::Test {
 protected:
  void SetUp() override {
    try {
      detail::make_io_uring_backend();
    } catch (const OSError&) {
      GTEST_SKIP() << "the kernel forbids io_uring here";
    }
  }
};

TEST_F(BackendChoice, follows_the_options) {
  const Environment unset(nullptr);
  EXPECT_EQ(backend_of({.backend = Backend::epoll}), "epoll");
  EXPECT_EQ(backend_of({.backend = Backend::io_uring}), "io_uring");
  EXPECT_EQ(Runner({.backend = Backend::io_uring}).get_loop().repr(),
            "<Loop running=False closed=False debug=False backend=io_uring>");
}

TEST_F(BackendChoice, the_environment_overrules_the_options) {
  const Environment other("io_uring");
  EXPECT_EQ(backend_of({.backend = Backend::epoll}), "io_uring");
  const Environment automatic("automatic");
  EXPECT_EQ(backend_of({.backend = Backend::io_uring}), "epoll");
  const Environment empty("");
  EXPECT_EQ(backend_of({.backend = Backend::io_uring}), "io_uring");
}

TEST_F(BackendChoice, a_backend_of_the_users_own_comes_before_all) {
  const Environment other("io_uring");
  EXPECT_EQ(backend_of({.make_backend = [] { return detail::make_epoll_backend(); }}), "epoll");
}

TEST_F(BackendChoice, a_bad_name_is_refused_with_the_good_ones) {
  const Environment bad("uring");
  try {
    const Loop loop;
    ADD_FAILURE() << "made " << loop.repr();
  } catch (const ValueError& error) {
    EXPECT_STREQ(error.what(),
                 "ASYNCIO_BACKEND is 'uring'\n  instead: epoll, io_uring or automatic");
  }
}

// From now on this process gets EPERM for io_uring_setup(2), as in many containers.
bool forbid_io_uring() {
  std::array<sock_filter, 4> program{{
      {BPF_LD | BPF_W | BPF_ABS, 0, 0, offsetof(seccomp_data, nr)},
      {BPF_JMP | BPF_JEQ | BPF_K, 0, 1, SYS_io_uring_setup},
      {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ERRNO | EPERM},
      {BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW},
  }};
  const sock_fprog filter{program.size(), program.data()};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) == 0;
}

// In a child: 0 where two loops ran on epoll and the log has one line about it.
int run_where_it_is_forbidden() {
  if (!forbid_io_uring()) return 1;
  std::string log;
  logging::set_sink([&](LogLevel, std::string_view line) { log += std::string(line) + "\n"; });
  const RunOptions options{.backend = Backend::io_uring};
  for (int i = 0; i < 2; ++i) run([]() -> Coro<> { co_await sleep(1ms); }(), options);
  if (backend_of({.backend = Backend::io_uring}) != "epoll") return 2;
  const std::string expected =
      "io_uring is not available, using epoll: [Errno 1] Operation not permitted";
  return log.starts_with(expected) && log.find('\n') == log.size() - 1 ? 0 : 3;
}

TEST_F(BackendChoice, a_forbidden_ring_gives_epoll_and_one_line_in_the_log) {
  const Environment unset(nullptr);
  const pid_t child = ::fork();
  if (child == 0) ::_exit(run_where_it_is_forbidden());
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

// A loop may be made by one thread and run by another, and after that by a third.
TEST_F(BackendChoice, a_loop_on_io_uring_may_change_threads) {
  const Environment unset(nullptr);
  Loop loop({.backend = Backend::io_uring});
  for (int i = 0; i < 3; ++i)
    std::thread([&] { loop.run_until_complete([]() -> Coro<> { co_await sleep(1ms); }()); }).join();
  loop.run_until_complete([]() -> Coro<> { co_await sleep(1ms); }());
}

}  // namespace
}  // namespace asyncio
