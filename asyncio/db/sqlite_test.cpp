// tsan
#include "asyncio/db/sqlite.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <string>

#include "asyncio/asyncio.hpp"

namespace asyncio::db {
namespace {

using namespace std::string_literals;

class SqliteFile : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "sqlite_XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::string path() const { return (folder_ / "test.db").string(); }

  std::filesystem::path folder_;
};

Coro<Sqlite> numbers(std::string path) {
  Sqlite file = co_await Sqlite::open(std::move(path));
  co_await file.script("CREATE TABLE numbers (n INTEGER PRIMARY KEY, word TEXT NOT NULL)");
  co_return file;
}

Coro<std::int64_t> count(Sqlite& file) {
  const Rows rows = co_await file.query("SELECT count(*) FROM numbers");
  co_return rows[0].integer(0);
}

template <class E>
Coro<std::string> failure_of(Coro<std::int64_t> work) {
  try {
    co_await std::move(work);
  } catch (const E& error) {
    co_return error.what();
  }
  co_return "no error";
}

Coro<> values_round_trip() {
  Sqlite file = co_await Sqlite::open(":memory:");
  co_await file.script("CREATE TABLE t (a, b, c, d, e)");
  const std::string text = "it's; -- \"all\" text\0really"s;
  co_await file.execute("INSERT INTO t VALUES (?, ?, ?, ?, ?)",
                        {nullptr, std::int64_t{-5'000'000'000}, 0.25, text, Blob{"\0\1"s}});

  const Rows rows = co_await file.query("SELECT *, 7 AS seven FROM t");

  EXPECT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows.columns.back(), "seven");
  EXPECT_TRUE(rows[0].is_null(0));
  EXPECT_EQ(rows[0].integer(1), -5'000'000'000);
  EXPECT_EQ(rows[0].real(2), 0.25);
  EXPECT_EQ(rows[0].text(3), text);
  EXPECT_EQ(rows[0].at(4), Value(Blob{"\0\1"s}));
  EXPECT_EQ(rows[0].real(5), 7);
  EXPECT_THROW(rows[0].text(1), ValueError);
  EXPECT_THROW(rows[0].at(6), ValueError);
}
TEST_F(SqliteFile, values_come_back_as_they_went) { run(values_round_trip()); }

Coro<> changes_and_persistence(std::string path) {
  Sqlite file = co_await numbers(path);
  for (int i = 0; i < 3; ++i)
    co_await file.execute("INSERT INTO numbers VALUES (?, ?)", {i, "word"});
  EXPECT_EQ(co_await file.execute("UPDATE numbers SET word = 'x' WHERE n > ?", {0}), 2);
  EXPECT_EQ(co_await file.execute("CREATE TABLE other (a)"), 0);
  co_await file.close();

  Sqlite again = co_await Sqlite::open(path, {.read_only = true});
  EXPECT_EQ(co_await count(again), 3);
  const std::string error = co_await failure_of<Error>(again.execute("DELETE FROM numbers"));
  EXPECT_TRUE(error.starts_with("attempt to write a readonly database")) << error;
}
TEST_F(SqliteFile, keeps_what_was_written_and_counts_changes) {
  run(changes_and_persistence(path()));
}

Coro<> transactions() {
  Sqlite file = co_await numbers(":memory:");
  const int result = co_await file.transaction([](SqliteSession& session) {
    session.execute("INSERT INTO numbers VALUES (1, 'a')");
    return 42;
  });
  EXPECT_EQ(result, 42);
  std::string error;
  try {
    co_await file.transaction([](SqliteSession& session) {
      session.execute("INSERT INTO numbers VALUES (2, 'b')");
      session.execute("INSERT INTO numbers VALUES (1, 'c')");
    });
  } catch (const IntegrityError& caught) {
    error = caught.what();
  }

  EXPECT_TRUE(error.starts_with("UNIQUE constraint failed: numbers.n")) << error;
  EXPECT_EQ(co_await count(file), 1);
}
TEST_F(SqliteFile, a_transaction_happens_whole_or_not_at_all) { run(transactions()); }

Coro<> order() {
  Sqlite file = co_await numbers(":memory:");
  std::vector<Coro<std::int64_t>> inserts;
  for (int i = 0; i < 100; ++i)
    inserts.push_back(file.execute("INSERT INTO numbers VALUES (?, 'x')", {i}));
  co_await gather(std::move(inserts));
  const Rows rows = co_await file.query("SELECT n FROM numbers ORDER BY rowid");
  EXPECT_EQ(rows.size(), 100U);
  EXPECT_EQ(rows[99].integer(0), 99);
}
TEST_F(SqliteFile, many_tasks_share_one_connection) { run(order()); }

Coro<> mistakes(std::string path) {
  Sqlite file = co_await numbers(path);
  EXPECT_TRUE((co_await failure_of<Error>(file.execute("SELEKT 1")))
                  .starts_with("near \"SELEKT\": syntax error\n  statement: SELEKT 1"));
  EXPECT_TRUE((co_await failure_of<ValueError>(file.execute("SELECT ?")))
                  .starts_with("the statement has 1 parameters, but 0 values were given"));
  EXPECT_TRUE((co_await failure_of<ValueError>(file.execute("SELECT 1; SELECT 2")))
                  .starts_with("more than one statement"));
  co_await file.close();
  EXPECT_TRUE(file.is_closed());
  EXPECT_TRUE((co_await failure_of<RuntimeError>(file.execute("SELECT 1")))
                  .starts_with("the database is closed"));
  bool failed = false;
  try {
    Sqlite nowhere = co_await Sqlite::open("/nonexistent/folder/x.db");
  } catch (const Error& error) {
    failed = std::string(error.what()).find("/nonexistent/folder") != std::string::npos;
  }
  EXPECT_TRUE(failed);
}
TEST_F(SqliteFile, says_what_is_wrong) { run(mistakes(path())); }

Coro<> cancelled() {
  Sqlite file = co_await numbers(":memory:");
  auto insert = create_task(file.execute("INSERT INTO numbers VALUES (1, 'x')"));
  co_await sleep(Duration::zero());
  insert.cancel();
  co_await wait({insert});
  EXPECT_TRUE(insert.cancelled());
  EXPECT_LE(co_await count(file), 1);
}
TEST_F(SqliteFile, goes_on_after_a_cancelled_call) { run(cancelled()); }

}  // namespace
}  // namespace asyncio::db
