// Coroutines that call coroutines: fetch, process, save; several chains at once.
#include <fmt/format.h>
#include <asyncio/asyncio.hpp>
#include <cctype>
#include <string>
#include <vector>

using namespace std::chrono_literals;

struct Record {
  int id;
  std::string text;
};

asyncio::Coro<Record> fetch(int item) {
  co_await asyncio::sleep(100ms * item);
  fmt::print("fetched {}\n", item);
  co_return Record{item, fmt::format("item {}", item)};
}

asyncio::Coro<Record> process(Record record) {
  co_await asyncio::sleep(10ms);
  for (char& c : record.text) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  fmt::print("processed {}\n", record.id);
  co_return record;
}

asyncio::Coro<> save(Record record, std::vector<std::string>& storage) {
  co_await asyncio::sleep(1ms);
  storage.push_back(record.text);
  fmt::print("saved {}\n", record.id);
}

asyncio::Coro<> chain(int item, std::vector<std::string>& storage) {
  Record record = co_await fetch(item);
  record = co_await process(std::move(record));
  co_await save(std::move(record), storage);
}

asyncio::Coro<> async_main() {
  std::vector<std::string> storage;
  std::vector<asyncio::Coro<>> chains;
  for (int item : {3, 1, 5}) chains.push_back(chain(item, storage));
  co_await asyncio::gather(std::move(chains));
  fmt::print("{}\n", fmt::join(storage, ", "));
}

int main() { asyncio::run(async_main()); }
