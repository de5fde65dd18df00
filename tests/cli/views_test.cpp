#include "apps/cli/views.hpp"

#include <gtest/gtest.h>

using asyncio::debug::SeenLoop;
using asyncio::debug::SeenProcess;
using asyncio::debug::SeenTask;

namespace {

SeenTask task(asyncio::debug::Address id, const std::string& name) {
  SeenTask made;
  made.id = id;
  made.name = name;
  made.stack = {{"outer", "main.cpp", 10}, {"inner", "main.cpp", 20}};
  made.waits_for = "sleep";
  return made;
}

SeenProcess process(std::vector<SeenTask> tasks) {
  SeenProcess made;
  made.pid = 42;
  made.library = "0.1.0";
  SeenLoop loop;
  loop.id = 1;
  loop.thread = 43;
  loop.running = true;
  loop.tasks = std::move(tasks);
  made.loops.push_back(std::move(loop));
  return made;
}

TEST(Views, a_task_with_two_awaiters_has_two_rows) {
  SeenTask child = task(1, "child");
  child.awaited_by = {2, 3};

  const std::string table = cli::table_of(process({child, task(2, "one"), task(3, "two")}));

  EXPECT_EQ(std::count(table.begin(), table.end(), '\n'), 2 + 4);
  EXPECT_NE(table.find("child      waiting  sleep -> inner -> outer  sleep -> inner -> outer  one"),
            std::string::npos)
      << table;
}

TEST(Views, a_task_below_two_others_is_drawn_once) {
  SeenTask child = task(1, "child");
  child.awaited_by = {2, 3};

  const std::string tree = cli::tree_of(process({child, task(2, "one"), task(3, "two")}));

  EXPECT_NE(tree.find("(T) child\n"), std::string::npos) << tree;
  EXPECT_NE(tree.find("(T) child (see above)\n"), std::string::npos) << tree;
}

TEST(Views, a_task_that_awaits_itself_through_others_ends_the_drawing) {
  SeenTask one = task(1, "one"), two = task(2, "two");
  one.awaits = 2;
  one.awaited_by = {2};
  two.awaits = 1;
  two.awaited_by = {1};

  const std::string tree = cli::tree_of(process({one, two}));

  EXPECT_NE(tree.find("    one -> two -> one\n"), std::string::npos) << tree;
}

TEST(Views, json_escapes_names) {
  const std::string json = cli::json_of(process({task(1, "a \"b\" \\ \n")}));

  EXPECT_NE(json.find("\"name\": \"a \\\"b\\\" \\\\ \\u000a\""), std::string::npos) << json;
}

TEST(Views, the_path_of_an_installed_header_begins_with_asyncio) {
  EXPECT_EQ(cli::place_of({"f", "/usr/local/include/asyncio/core/tasks.hpp", 3}),
            "asyncio/core/tasks.hpp:3");
  EXPECT_EQ(cli::place_of({"f", "/home/me/main.cpp", 3}), "/home/me/main.cpp:3");
}

}  // namespace
