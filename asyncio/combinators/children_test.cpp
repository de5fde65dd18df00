#include "asyncio/combinators/children.hpp"

#include <gtest/gtest.h>

#include "asyncio/combinators/internal/test_loop.hpp"

namespace asyncio {
namespace {

using detail::ChildOwner;
using detail::ChildWatch;
using detail::TestLoop;

class Recorder : public ChildOwner {
 public:
  void child_done(ChildWatch& watch) override {
    ++done;
    watch.release();
  }
  void child_lost(ChildWatch&) noexcept override { ++lost; }
  int done = 0;
  int lost = 0;
};

TEST(ChildWatch, hears_of_its_child_one_pass_after_it_is_done) {
  TestLoop loop;
  loop.run([]() -> Coro<> {
    Recorder owner;
    ChildWatch pending, already;
    Future<> a, b;
    b.set_result();
    pending.set(owner, *a.state());
    pending.start();
    already.set(owner, *b.state());
    already.start();
    a.set_result();
    EXPECT_EQ(owner.done, 0);

    co_await TestLoop::sleep_passes(1);

    EXPECT_EQ(owner.done, 2);
  });
}

TEST(ChildWatch, keeps_its_child_until_it_is_loosened_and_then_says_that_it_is_lost) {
  TestLoop loop;
  loop.run([]() -> Coro<> {
    Recorder owner;
    ChildWatch watch;
    {
      Future<> child;
      watch.set(owner, *child.state());
      watch.start();
    }
    EXPECT_EQ(owner.lost, 0);

    watch.loosen();

    EXPECT_EQ(owner.lost, 1);
    EXPECT_EQ(watch.child(), nullptr);
    co_return;
  });
}

TEST(ChildWatch, that_is_loosened_holds_its_child_again_once_that_is_done) {
  TestLoop loop;
  loop.run([]() -> Coro<> {
    Recorder owner;
    ChildWatch watch;
    {
      Future<> child;
      watch.set(owner, *child.state());
      watch.start();
      watch.loosen();
      child.set_result();
    }
    EXPECT_TRUE(watch.child()->done());

    co_await TestLoop::sleep_passes(1);

    EXPECT_EQ(owner.done, 1);
    EXPECT_EQ(owner.lost, 0);
  });
}

TEST(ChildWatch, that_is_gone_hears_nothing) {
  TestLoop loop;
  loop.run([]() -> Coro<> {
    Recorder owner;
    Future<> child;
    {
      ChildWatch watch;
      watch.set(owner, *child.state());
      watch.start();
      child.set_result();
    }
    co_await TestLoop::sleep_passes(2);

    EXPECT_EQ(owner.done + owner.lost, 0);
  });
}

}  // namespace
}  // namespace asyncio
