#include "asyncio/debug/flame.hpp"

#include <gtest/gtest.h>

namespace asyncio::debug {
namespace {

// "main > fetch" waits in a sleep; "fetch" is a task of its own, which main awaits.
Trace small() {
  TraceLoop loop;
  loop.places = {{1, {"main", "a.cpp", 3}}, {2, {"fetch<a&b>", "a.cpp", 8}}};
  loop.stacks = {{5, {0, 1}}, {6, {0, 2}}};
  loop.labels = {{1, "sleep"}, {3, "<Handle x>"}};
  loop.tasks = {{1, {"Task-1", 0, 5, 0}}, {2, {"Task-2", 1, 6, 0}}};
  loop.steps = {{1000, 100, 1, 5, 2, 0, false},
                {1200, 50, 2, 6, 0, 1, false},
                {2000, 70, 2, 0, 0, 0, true},
                {2100, 30, 1, 0, 0, 0, true},
                {2200, 5, 0, 0, 0, 3, false}};
  Trace trace{.pid = 77, .loops = {}};
  trace.loops.push_back(std::move(loop));
  return trace;
}

const FlameNode& child(const FlameNode& node, const std::string& name) {
  for (const FlameNode& callee : node.callees)
    if (callee.name == name) return callee;
  throw std::runtime_error("no " + name + " on " + node.name);
}

TEST(Flame, the_time_of_steps_belongs_to_where_they_resumed) {
  const Flames flames = flames_of(small());

  EXPECT_EQ(flames.running.total_ns, 100 + 50 + 70 + 30 + 5);
  EXPECT_EQ(child(flames.running, "main").total_ns, 100 + 50 + 70 + 30);
  EXPECT_EQ(child(child(flames.running, "main"), "fetch<a&b>").total_ns, 50 + 70);
  EXPECT_EQ(child(flames.running, "<Handle x>").total_ns, 5);
}

TEST(Flame, the_time_between_steps_belongs_to_what_the_task_waited_for) {
  const Flames flames = flames_of(small());

  const FlameNode& main = child(flames.waiting, "main");
  EXPECT_EQ(child(child(main, "fetch<a&b>"), "sleep").total_ns, 2000 - 1250);
  EXPECT_EQ(flames.waiting.total_ns, (2000 - 1250) + (2100 - 1100));
}

TEST(Flame, the_picture_has_both_with_names_that_are_escaped) {
  const std::string svg = flame_svg(flames_of(small()), "a < b");

  EXPECT_TRUE(svg.starts_with("<?xml"));
  EXPECT_NE(svg.find("a &lt; b"), std::string::npos);
  EXPECT_NE(svg.find("<title>fetch&lt;a&amp;b&gt;: 0.120 us, 47.1 %</title>"), std::string::npos);
  EXPECT_NE(svg.find("<title>sleep: 0.750 us"), std::string::npos);
  EXPECT_EQ(svg.find("<a&b>"), std::string::npos);
}

TEST(Flame, nothing_gives_an_empty_picture) {
  const std::string svg = flame_svg(flames_of({}), "nothing");

  EXPECT_TRUE(svg.ends_with("</svg>\n"));
}

}  // namespace
}  // namespace asyncio::debug
