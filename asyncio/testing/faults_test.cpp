#include "asyncio/testing/faults.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <set>
#include <string>

#include "asyncio/base/errors.hpp"
#include "asyncio/core/runners.hpp"
#include "asyncio/net/streams.hpp"

namespace asyncio::testing {
namespace {

class Watcher final : public detail::FdWatcher {
 public:
  void on_ready(bool readable, bool writable) noexcept override {
    events += readable ? "r" : "";
    events += writable ? "w" : "";
  }
  std::string take() { return std::exchange(events, {}); }
  std::string events;
};

// Two connected sockets; faults strike on both.
class Faults : public ::testing::Test {
 protected:
  void expect_trouble(Fault fault) {
    plan_ = std::make_shared<FaultPlan>(std::move(fault));
    backend_ = with_faults(detail::make_epoll_backend(), plan_);
    ASSERT_EQ(backend_->open_socket_pair(here_, there_), 0);
    backend_->watch(here_, watcher_);
  }
  ~Faults() override {
    if (!backend_) return;
    backend_->close(here_);
    backend_->close(there_);
  }
  std::string look() {
    backend_->wait(0);
    return watcher_.take();
  }
  std::string read() {
    const detail::Received part = backend_->receive(here_);
    if (part.size < 0) return std::to_string(part.size);
    return std::string(part.data, static_cast<std::size_t>(part.size));
  }

  std::shared_ptr<FaultPlan> plan_;
  std::unique_ptr<detail::IoBackend> backend_;
  Watcher watcher_;
  int here_ = -1;
  int there_ = -1;
};

TEST_F(Faults, strike_at_the_call_that_was_named_and_at_no_other) {
  expect_trouble({"send", 2, EPIPE});
  EXPECT_EQ(backend_->send(there_, "a", 1), 1);
  EXPECT_FALSE(plan_->injected());
  EXPECT_EQ(backend_->send(there_, "b", 1), -EPIPE);
  EXPECT_TRUE(plan_->injected());
  EXPECT_EQ(backend_->send(there_, "c", 1), 1);
  EXPECT_EQ(read(), "ac");
}

TEST_F(Faults, a_short_read_gives_one_byte_and_keeps_the_rest) {
  expect_trouble({"receive", 1, kShort});
  backend_->send(there_, "abc", 3);
  EXPECT_EQ(look(), "r");
  EXPECT_EQ(read(), "a");
  EXPECT_EQ(read(), "bc");
}

TEST_F(Faults, a_delay_is_followed_by_readiness) {
  expect_trouble({"receive", 1, EAGAIN});
  backend_->send(there_, "abc", 3);
  EXPECT_EQ(look(), "r");
  EXPECT_EQ(read(), std::to_string(-EAGAIN));
  EXPECT_EQ(look(), "r");
  EXPECT_EQ(look(), "");
  EXPECT_EQ(read(), "abc");
}

TEST_F(Faults, a_short_send_is_followed_by_readiness) {
  expect_trouble({"send", 1, kShort});
  backend_->watch_writable(here_, watcher_);
  EXPECT_EQ(look(), "w");
  EXPECT_EQ(backend_->send(here_, "abc", 3), 1);
  EXPECT_EQ(look(), "w");
}

TEST_F(Faults, interest_that_is_refused_is_thrown) {
  expect_trouble({"watch", 2, ENOMEM});
  EXPECT_THROW(backend_->watch(there_, watcher_), OSError);
}

TEST(FaultPlan, says_what_it_does) {
  EXPECT_EQ(FaultPlan({"receive", 3, kShort}).describe(), "call 3 of receive: short");
  EXPECT_EQ(FaultPlan({"accept", 1, EMFILE}).describe(), "call 1 of accept: Too many open files");
  EXPECT_EQ(FaultPlan().describe(), "no fault");
  EXPECT_TRUE(FaultPlan({"send", 1, EAGAIN}).is_harmless());
  EXPECT_FALSE(FaultPlan({"send", 1, EPIPE}).is_harmless());
}

TEST(FaultOperations, are_named_once) {
  std::set<std::string> names;
  for (const FaultOperation& operation : fault_operations()) {
    EXPECT_TRUE(names.insert(operation.name).second) << operation.name;
    EXPECT_FALSE(operation.errors.empty()) << operation.name;
  }
}

// [faults]
TEST(FaultPlan, makes_a_program_meet_what_it_would_not_meet_in_a_year) {
  auto plan = std::make_shared<FaultPlan>(Fault{"connect", 1, ENETUNREACH});
  Runner runner({.loop_factory = [&] {
    LoopOptions options;
    options.make_backend = [&] { return with_faults(detail::make_epoll_backend(), plan); };
    return std::make_unique<Loop>(options);
  }});

  EXPECT_THROW(runner.run(open_connection("127.0.0.1", 9)), OSError);

  EXPECT_TRUE(plan->injected());
}
// [/faults]

}  // namespace
}  // namespace asyncio::testing
