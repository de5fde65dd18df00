#include "asyncio/http/static_files.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "asyncio/asyncio.hpp"

namespace asyncio::http {
namespace {

// The handler alone, without a server: server_test.cpp has the rest.
class StaticFiles : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "files_XXXXXX").string();
    root_ = ::mkdtemp(pattern.data());
    std::filesystem::create_directories(root_ / "www/folder");
    std::ofstream(root_ / "secret") << "secret";
    std::ofstream(root_ / "www/start.htm") << "start";
    std::ofstream(root_ / "www/large") << std::string(100'000, 'x');
  }
  void TearDown() override { std::filesystem::remove_all(root_); }
  Response ask(const std::string& target, StaticOptions options = {}, const Headers& headers = {}) {
    Handler handler = static_files((root_ / "www").string(), std::move(options));
    return run(handler({.method = "GET", .target = target, .path = target, .headers = headers}));
  }

  std::filesystem::path root_;
};

TEST_F(StaticFiles, the_prefix_is_not_part_of_the_name) {
  EXPECT_EQ(ask("/docs/start.htm", {.prefix = "/docs"}).body, "start");
  EXPECT_EQ(ask("/start.htm", {.prefix = "/docs/"}).status, 404);
  EXPECT_EQ(ask("/docsstart.htm", {.prefix = "/docs"}).status, 404);
}

TEST_F(StaticFiles, the_index_can_have_another_name_or_none) {
  EXPECT_EQ(ask("/", {.index = "start.htm"}).body, "start");
  EXPECT_EQ(ask("/", {.index = ""}).status, 404);
}

TEST_F(StaticFiles, large_files_stay_files) {
  const Response response = ask("/large");

  EXPECT_EQ(response.body, "");
  ASSERT_TRUE(response.file);
  EXPECT_EQ(response.file->size(), 100'000U);
}

TEST_F(StaticFiles, caches_are_told_what_the_options_say) {
  EXPECT_EQ(ask("/start.htm", {.cache_control = "max-age=60"}).headers.get("Cache-Control"),
            "max-age=60");
  EXPECT_FALSE(ask("/start.htm").headers.contains("Cache-Control"));
}

TEST_F(StaticFiles, any_tag_matches_a_star_and_wrong_dates_match_nothing) {
  EXPECT_EQ(ask("/start.htm", {}, {{"If-None-Match", "*"}}).status, 304);
  EXPECT_EQ(ask("/start.htm", {}, {{"If-Modified-Since", "yesterday"}}).status, 200);
}

TEST_F(StaticFiles, a_folder_is_never_redirected_to_another_host) {
  std::filesystem::create_directories(root_ / "www/evil.example");
  const Response response = ask("//evil.example");
  EXPECT_FALSE(response.headers.get("Location", "").starts_with("//"));
}

TEST_F(StaticFiles, what_is_no_regular_file_is_not_there) {
  std::filesystem::create_symlink("/dev/zero", root_ / "www/zero");
  std::filesystem::create_symlink("loop", root_ / "www/loop");
  EXPECT_EQ(ask("/zero").status, 404);
  EXPECT_EQ(ask("/loop").status, 404);
  EXPECT_EQ(ask("/start.htm/x").status, 404);
  EXPECT_EQ(ask("/" + std::string(300, 'x')).status, 404);
}

TEST_F(StaticFiles, a_folder_that_is_not_there_is_said_at_once) {
  EXPECT_THROW(static_files((root_ / "nothing").string()), FileNotFoundError);
}

}  // namespace
}  // namespace asyncio::http
