#include "apps/cli/top_view.hpp"

#include <gtest/gtest.h>

#include "apps/cli/toolchain.hpp"

using asyncio::debug::SeenLoop;
using asyncio::debug::SeenProcess;
using asyncio::debug::SeenTask;

using namespace std::chrono_literals;

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

std::string names(const cli::TopSettings& settings, const cli::Samples& samples = {}) {
  std::string text;
  for (const cli::TaskGroupRow& row : cli::grouped(process(), samples, settings))
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
  EXPECT_EQ(settings.sort, cli::TopSort::busy);
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
  const std::string screen = cli::screen_of(process(), {}, {}, {}, 20, 3);

  EXPECT_EQ(std::count(screen.begin(), screen.end(), '\n'), 3);
  std::istringstream lines(screen);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 20u) << line;
}

TEST(Top, shows_where_tasks_were_seen_to_run_also_those_that_are_gone) {
  cli::Samples samples;
  samples.add({task("tick", "")});
  samples.add({});
  samples.add({task("brief", "")});
  samples.add({task("tick", "")});
  cli::TopSettings settings;
  settings.sort = cli::TopSort::busy;

  const auto rows = cli::grouped(process(), samples, settings);

  ASSERT_EQ(rows.size(), 3u);
  EXPECT_EQ(rows[0].coroutine, "main > tick");
  EXPECT_EQ(rows[0].busy_percent, 50);
  EXPECT_EQ(rows[1].coroutine, "main > brief");
  EXPECT_EQ(rows[1].busy_percent, 25);
  EXPECT_EQ(rows[1].state, "gone");
  EXPECT_EQ(rows[1].count, 0u);
  EXPECT_EQ(rows[2].busy_percent, 0);
}

TEST(Top, shows_latency_and_operations_of_each_loop) {
  cli::LoopLoad load;
  load.half = 16us;
  load.most = 2ms;
  load.operations = {{"recv", 1200}, {"send", 7}, {"accept", 0.2}};

  const std::string screen = cli::screen_of(process(), {load}, {}, {}, 200, 50);

  EXPECT_NE(screen.find("latency: half < 16 us, 99 % < 2 ms   I/O a second: 1200 recv, 7 send\n"),
            std::string::npos)
      << screen;
}

TEST(Top, cuts_characters_and_not_bytes) {
  SeenProcess umlauts = process();
  umlauts.loops[0].tasks = {task("prüfe", "")};

  const std::string screen = cli::screen_of(umlauts, {}, {}, {}, 200, 50);

  EXPECT_NE(screen.find("main > prüfe\n"), std::string::npos) << screen;
  for (std::size_t columns = 60; columns < 100; ++columns) {
    const std::string cut = cli::screen_of(umlauts, {}, {}, {}, columns, 50);
    EXPECT_EQ(cut.find("\xc3\n"), std::string::npos) << columns;  // half an ü
  }
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
