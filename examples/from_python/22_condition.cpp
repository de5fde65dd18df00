// Condition: wait until shared state is as needed, checked under the lock.
#include <fmt/core.h>
#include <asyncio/asyncio.hpp>
#include <set>
#include <string>

using namespace std::chrono_literals;
using Plates = std::set<std::string>;

asyncio::Coro<> cook(asyncio::Condition& kitchen, Plates& plates) {
  for (std::string dish : {"soup", "fish", "cake"}) {
    co_await asyncio::sleep(20ms);
    auto held = co_await kitchen.scoped();
    plates.insert(dish);
    fmt::print("cooked {}\n", dish);
    kitchen.notify_all();
  }
}

asyncio::Coro<> guest(std::string name, std::string dish, asyncio::Condition& kitchen,
                      Plates& plates) {
  auto held = co_await kitchen.scoped();
  co_await kitchen.wait_for([&] { return plates.contains(dish); });
  plates.erase(dish);
  fmt::print("{} eats {}\n", name, dish);
}

asyncio::Coro<> async_main() {
  asyncio::Condition kitchen;
  Plates plates;
  co_await asyncio::gather(guest("ann", "cake", kitchen, plates),
                           guest("bob", "soup", kitchen, plates),
                           guest("cid", "fish", kitchen, plates), cook(kitchen, plates));
  fmt::print("left: {}\n", plates.size());
}

int main() { asyncio::run(async_main()); }
