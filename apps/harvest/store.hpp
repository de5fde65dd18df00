// store.hpp: Store, pages and frontier in SQLite, so that a harvest can stop at any moment.
//
//   pages     what became of each URL
//   frontier  URLs that were seen and not yet fetched
//
// A page, its removal from the frontier and the URLs it brought are written in one transaction:
// whatever happens, each known URL is in exactly one of the two tables.
#pragma once
#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "apps/harvest/frontier.hpp"
#include "apps/harvest/page.hpp"
#include "asyncio/core/coroutines.hpp"
#include "asyncio/db/sqlite.hpp"
#include "asyncio/sync/queues.hpp"

namespace harvest {

class Store {
 public:
  // Throws db::Error where the file is not ours, or cannot be written.
  static asyncio::Coro<Store> open(std::string path);

  struct State {
    std::vector<Url> fetched;
    std::vector<Job> waiting;  // In the order in which they were found.
  };
  asyncio::Coro<State> load();
  asyncio::Coro<> add_to_frontier(std::vector<Job> jobs);
  // Writes what comes through the queue, in batches, until it is shut down and empty.
  asyncio::Coro<> write_all(asyncio::Queue<Page>& pages);
  asyncio::Coro<> close();

 private:
  explicit Store(asyncio::db::Sqlite file) : file_(std::move(file)) {}
  asyncio::Coro<> write(std::vector<Page> batch);

  asyncio::db::Sqlite file_;
};

}  // namespace harvest
