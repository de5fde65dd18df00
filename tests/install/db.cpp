#include <asyncio/asyncio.hpp>
#include <asyncio/db/sqlite.hpp>
#include <cstdio>

asyncio::Coro<> ask() {
  auto file = co_await asyncio::db::Sqlite::open(":memory:");
  auto rows = co_await file.query("SELECT 'db works'");
  std::puts(rows[0].text(0).c_str());
  co_await file.close();
}

int main() { asyncio::run(ask()); }
