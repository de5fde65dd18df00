// What a recording says is in core/recorder_test.cpp; here is what it may be made of.
#include "asyncio/debug/trace.hpp"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include "asyncio/core/recording.hpp"

using namespace std::chrono_literals;

namespace asyncio::debug {
namespace {

TEST(Trace, nothing_was_recorded_where_nobody_wrote) {
  TraceReader reader(make_recording());

  EXPECT_FALSE(reader.is_over());
  EXPECT_TRUE(reader.take().loops.empty());
}

TEST(Trace, a_file_that_is_no_recording_is_refused) {
  const int fd = memfd_create("other", 0);
  ASSERT_EQ(write(fd, "something else", 14), 14);

  EXPECT_THROW(TraceReader reader(fd), RuntimeError);
}

TEST(Trace, a_process_without_loops_cannot_be_recorded) {
  EXPECT_THROW(static_cast<void>(record(getpid(), 1ms)), InspectError);
  EXPECT_THROW(static_cast<void>(record(2'000'000'000, 1ms)), InspectError);
}

TEST(Trace, ids_that_nobody_defined_have_no_name) {
  const TraceLoop loop;

  EXPECT_EQ(loop.label(7), "");
  EXPECT_EQ(loop.task_name(7), "a task");
  EXPECT_TRUE(loop.frames(7).empty());
}

TEST(Trace, a_stack_is_outermost_first) {
  TraceLoop loop;
  loop.places = {{1, {"outer", "a.cpp", 3}}, {2, {"inner", "a.cpp", 8}}};
  loop.stacks = {{5, {0, 1}}, {6, {5, 2}}};

  const auto frames = loop.frames(6);

  ASSERT_EQ(frames.size(), 2u);
  EXPECT_EQ(frames[0]->function, "outer");
  EXPECT_EQ(frames[1]->function, "inner");
}

}  // namespace
}  // namespace asyncio::debug
