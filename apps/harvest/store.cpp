#include "apps/harvest/store.hpp"

#include <utility>

#include "asyncio/asyncio.hpp"

namespace harvest {

using asyncio::Coro;
namespace db = asyncio::db;

namespace {

constexpr std::size_t kBatch = 256;  // Pages in one transaction.

constexpr const char* kSchema = R"(
CREATE TABLE IF NOT EXISTS pages (
  url TEXT PRIMARY KEY, depth INTEGER NOT NULL, status INTEGER, title TEXT, content_type TEXT,
  bytes INTEGER NOT NULL, links INTEGER NOT NULL, milliseconds REAL, attempts INTEGER NOT NULL,
  redirected_to TEXT, error_kind TEXT, error TEXT,
  fetched_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP);
CREATE TABLE IF NOT EXISTS frontier (
  id INTEGER PRIMARY KEY, url TEXT NOT NULL UNIQUE, depth INTEGER NOT NULL);
)";

db::Value text_or_null(const std::string& text) {
  return text.empty() ? db::Value() : db::Value(text);
}

void add_jobs(db::SqliteSession& session, const std::vector<Job>& jobs) {
  static const std::string kInsert = "INSERT OR IGNORE INTO frontier (url, depth) VALUES (?, ?)";
  for (const Job& job : jobs) session.execute(kInsert, {job.url.str(), job.depth});
}

void add_page(db::SqliteSession& session, const Page& page) {
  static const std::string kInsert =
      "INSERT OR REPLACE INTO pages (url, depth, status, title, content_type, bytes, links, "
      "milliseconds, attempts, redirected_to, error_kind, error) "
      "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
  static const std::string kDelete = "DELETE FROM frontier WHERE url = ?";
  db::Value status;
  db::Value time;
  if (page.has_answer()) {
    status = page.status;
    time = page.milliseconds;
  }
  session.execute(kInsert, {page.url.str(), page.depth, status, text_or_null(page.title),
                            text_or_null(page.content_type), page.bytes, page.links, time,
                            page.attempts, text_or_null(page.redirected_to),
                            text_or_null(page.error_kind), text_or_null(page.error)});
  session.execute(kDelete, {page.url.str()});
  std::vector<Job> jobs;
  jobs.reserve(page.discovered.size());
  for (const Url& url : page.discovered) jobs.push_back({.url = url, .depth = page.depth + 1});
  add_jobs(session, jobs);
}

}  // namespace

Coro<Store> Store::open(std::string path) {
  db::Sqlite file = co_await db::Sqlite::open(std::move(path));
  co_await file.script(kSchema);
  co_return Store(std::move(file));
}

Coro<Store::State> Store::load() {
  const db::Rows pages = co_await file_.query("SELECT url FROM pages");
  const db::Rows waiting = co_await file_.query("SELECT url, depth FROM frontier ORDER BY id");
  State state;
  for (const db::Row& row : pages)
    if (auto url = Url::try_parse(row.text(0))) state.fetched.push_back(std::move(*url));
  for (const db::Row& row : waiting)
    if (auto url = Url::try_parse(row.text(0)))
      state.waiting.push_back({.url = std::move(*url), .depth = static_cast<int>(row.integer(1))});
  co_return state;
}

Coro<> Store::add_to_frontier(std::vector<Job> jobs) {
  co_await file_.transaction(
      [jobs = std::move(jobs)](db::SqliteSession& session) { add_jobs(session, jobs); });
}

Coro<> Store::write(std::vector<Page> batch) {
  co_await file_.transaction([batch = std::move(batch)](db::SqliteSession& session) {
    for (const Page& page : batch) add_page(session, page);
  });
}

Coro<> Store::write_all(asyncio::Queue<Page>& pages) {
  for (;;) {
    std::vector<Page> batch;
    try {
      batch.push_back(co_await pages.get());
    } catch (const asyncio::QueueShutDown&) {
      co_return;
    }
    // While a batch is written the next one gathers: the slower the disk, the larger they are.
    while (batch.size() < kBatch)
      if (auto page = pages.try_get())
        batch.push_back(std::move(*page));
      else
        break;
    co_await write(std::move(batch));
  }
}

Coro<> Store::close() { co_await file_.close(); }

}  // namespace harvest
