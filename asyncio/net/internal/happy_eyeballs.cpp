#include "asyncio/net/internal/happy_eyeballs.hpp"

#include <algorithm>
#include <memory>
#include <utility>

#include "asyncio/base/errors.hpp"
#include "asyncio/combinators/taskgroups.hpp"
#include "asyncio/combinators/with.hpp"

namespace asyncio::detail {
namespace {

// What the attempts of one race share.
struct Race {
  Race(Loop& owner, std::vector<Address> all, ConnectPlan how)
      : loop(owner), addresses(std::move(all)), plan(std::move(how)), errors(addresses.size()) {}

  Loop& loop;
  std::vector<Address> addresses;
  ConnectPlan plan;
  std::vector<ConnectErrors> errors;  // by address
  std::optional<ConnectedSocket> winner;
  std::size_t started = 0;
  std::size_t failed = 0;
  std::optional<Future<>> news;  // somebody won, the latest or all failed, or the delay is over
};

// Wakes whoever waits for news after `delay`, for a scope.
class DelayScope {
 public:
  DelayScope(Loop& loop, Duration delay, Future<> news)
      : timer_(loop.call_later(delay, [news] {
          if (!news.done()) news.set_result();
        })) {}
  DelayScope(const DelayScope&) = delete;
  DelayScope& operator=(const DelayScope&) = delete;
  ~DelayScope() { timer_.cancel(); }

 private:
  TimerHandle timer_;
};

void tell(Race& race) {
  if (race.news && !race.news->done()) race.news->set_result();
}

Coro<> attempt(std::shared_ptr<Race> race, std::size_t index) {
  ConnectErrors& errors = race->errors[index];
  try {
    ConnectedSocket socket =
        co_await connect_to(race->loop, race->addresses[index], race->plan, &errors);
    if (!race->winner) race->winner = std::move(socket);
  } catch (const OSError&) {
    errors.push_back(std::current_exception());
  } catch (const TimeoutError&) {
    errors.push_back(std::current_exception());
  }
  if (!race->winner) ++race->failed;
  const bool is_latest = index + 1 == race->started;
  if (race->winner || is_latest || race->failed == race->addresses.size()) tell(*race);
}

}  // namespace

std::vector<Address> interleaved(std::vector<Address> addresses, std::size_t first_count) {
  std::vector<std::vector<Address>> families;
  for (Address& address : addresses) {
    const auto place = std::find_if(families.begin(), families.end(), [&](const auto& family) {
      return family.front().family() == address.family();
    });
    if (place != families.end())
      place->push_back(std::move(address));
    else
      families.push_back({std::move(address)});
  }
  std::vector<Address> ordered;
  if (families.empty()) return ordered;
  std::vector<std::size_t> next(families.size(), 0);
  while (next[0] + 1 < first_count && next[0] < families[0].size())
    ordered.push_back(families[0][next[0]++]);
  for (bool found = true; found;) {
    found = false;
    for (std::size_t i = 0; i < families.size(); ++i) {
      if (next[i] == families[i].size()) continue;
      ordered.push_back(families[i][next[i]++]);
      found = true;
    }
  }
  return ordered;
}

Coro<RaceResult> connect_in_a_row(Loop& loop, std::vector<Address> addresses, ConnectPlan plan) {
  RaceResult result;
  for (const Address& address : addresses) {
    try {
      result.winner = co_await connect_to(loop, address, plan, &result.errors);
      co_return result;
    } catch (const OSError&) {
      result.errors.push_back(std::current_exception());
    } catch (const TimeoutError&) {
      if (loop.time() >= plan.deadline) throw;
      result.errors.push_back(std::current_exception());  // ETIMEDOUT: the kernel gave up
    }
  }
  co_return result;
}

Coro<RaceResult> connect_in_a_race(Loop& loop, std::vector<Address> addresses, ConnectPlan plan,
                                   Duration delay) {
  auto race = std::make_shared<Race>(loop, std::move(addresses), std::move(plan));
  co_await with(TaskGroup(), [race, delay](TaskGroup& group) -> Coro<> {
    std::vector<Task<>> attempts;
    const std::size_t count = race->addresses.size();
    while (!race->winner && race->failed < count) {
      if (race->started < count)
        attempts.push_back(group.create_task(attempt(race, race->started++)));
      race->news.emplace(race->loop);
      std::optional<DelayScope> timer;
      if (race->started < count) timer.emplace(race->loop, delay, *race->news);
      co_await *race->news;
    }
    for (const Task<>& each : attempts) each.cancel();
  });
  RaceResult result;
  result.winner = std::move(race->winner);
  for (ConnectErrors& errors : race->errors)
    result.errors.insert(result.errors.end(), errors.begin(), errors.end());
  if (!result.winner && !result.errors.empty() && loop.time() >= race->plan.deadline)
    std::rethrow_exception(result.errors.back());
  co_return result;
}

}  // namespace asyncio::detail
