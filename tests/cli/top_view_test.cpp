#include "apps/cli/top_view.hpp"

#include <gtest/gtest.h>

#include "apps/cli/toolchain.hpp"

using asyncio::debug::SeenLoop;
using asyncio::debug::SeenProcess;
using asyncio::debug::SeenTask;

namespace {

SeenTask task(const std::string& function, const std::string& waits_for) {
  SeenTask made;
  made.stack = {{"main", "/src/main.cpp", 1}, {function, "/src/main.cpp", 2}};
  made.waits_for = waits_for;
  return made;
}

SeenProcess process() {
  SeenProcess made;
  made.pid = 42;
  SeenLoop loop;
  loop.running = true;
  loop.tasks = {task("serve", "StreamReader.read"), task("tick", "sleep"),
                task("serve", "StreamReader.read")};
  made.loops.push_back(loop);
  return made;
}

std::string names(const cli::TopSettings& settings) {
  std::string text;
  for (const cli::TaskGroupRow& row : cli::grouped(process(), settings))
    text += std::to_string(row.count) + " " + row.coroutine + " " + row.place + "\n";
  return text;
}

TEST(Top, counts_tasks_that_stand_at_one_place_together_the_most_first) {
  EXPECT_EQ(names({}), "2 main > serve main.cpp:2\n1 main > tick main.cpp:2\n");
}

TEST(Top, shows_only_what_the_filter_has_in_it) {
  cli::TopSettings settings;
  settings.filter = "sleep";
  EXPECT_EQ(names(settings), "1 main > tick main.cpp:2\n");
}

TEST(Top, keys_sort_filter_pause_and_quit) {
  cli::TopSettings settings;
  EXPECT_TRUE(cli::press(settings, 's'));
  EXPECT_EQ(settings.sort, cli::TopSort::coroutine);
  for (const char key : std::string("/qx\x7f\r")) EXPECT_TRUE(cli::press(settings, key));
  EXPECT_EQ(settings.filter, "q");  // which did not quit: it was typed
  EXPECT_TRUE(cli::press(settings, 27));
  EXPECT_EQ(settings.filter, "");
  EXPECT_TRUE(cli::press(settings, 'p'));
  EXPECT_TRUE(settings.paused);
  EXPECT_FALSE(cli::press(settings, 'q'));
  EXPECT_FALSE(cli::press(settings, 3));
}

TEST(Top, a_screen_is_cut_to_the_terminal) {
  const std::string screen = cli::screen_of(process(), {}, {}, 20, 3);

  EXPECT_EQ(std::count(screen.begin(), screen.end(), '\n'), 3);
  std::istringstream lines(screen);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 20u) << line;
}

TEST(Toolchain, knows_the_components_that_a_program_includes) {
  EXPECT_EQ(cli::components_of("#include <asyncio/http.hpp>\n#include <asyncio/testing/run.hpp>\n"),
            (std::vector<std::string>{"http", "testing"}));
  EXPECT_TRUE(cli::components_of("#include <asyncio/asyncio.hpp>\n").empty());
}

TEST(Toolchain, a_stamp_changes_with_the_file) {
  EXPECT_EQ(cli::stamp_of("/no/such/file"), "/no/such/file -");
  EXPECT_NE(cli::stamp_of("/proc/self/exe"), "/proc/self/exe -");
  EXPECT_NE(cli::digest("a"), cli::digest("b"));
}

}  // namespace
