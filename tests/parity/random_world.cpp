// random_world.cpp: runs a program of random/generate.py and prints its trace, as
// random/reference.py does on CPython. The operations of both stand in the same order.
#include <cstdio>
#include <fstream>
#include <map>
#include <memory>
#include <sstream>
#include <stdexcept>

#include "asyncio/testing/clock.hpp"
#include "random_program.hpp"
#include "trace.hpp"

namespace parity::random {
namespace {

constexpr auto kStuckAfter = 1'000'000s;
constexpr int kRounds = 8;  // of cancelling what is left

// The objects that the bodies of one program share.
class World {
 public:
  World() : start_(get_running_loop().time()) {}
  Coro<> top(const Body& operations);

 private:
  using Said = Coro<std::string>;
  using Action = Said (World::*)(int label, const Operation& operation);
  static Action action(const std::string& name);

  template <class... T>
  void write(const T&... words) {
    const auto passed = get_running_loop().time() - start_;
    log(std::chrono::duration_cast<std::chrono::milliseconds>(passed).count(), words...);
  }
  Task<int>* task(int number) {
    const auto found = tasks_.find(number);
    return found == tasks_.end() ? nullptr : &found->second;
  }
  Coro<int> body(int label, const Body& operations);
  Coro<> run(int label, const Body& operations);
  Coro<> cancel_what_is_left();
  std::vector<Coro<int>> children(const Operation& operation);

  Said sleep(int label, const Operation& operation);
  Said raise(int label, const Operation& operation);
  Said spawn(int label, const Operation& operation);
  Said await(int label, const Operation& operation);
  Said shielded(int label, const Operation& operation);
  Said await_for(int label, const Operation& operation);
  Said cancel(int label, const Operation& operation);
  Said cancel_saying(int label, const Operation& operation);
  Said uncancel(int label, const Operation& operation);
  Said look(int label, const Operation& operation);
  Said wait(int label, const Operation& operation);
  Said gathered(int label, const Operation& operation);
  Said gathered_raising(int label, const Operation& operation);
  Said group(int label, const Operation& operation);
  Said timed(int label, const Operation& operation);
  Said waited_for(int label, const Operation& operation);
  Said tried(int label, const Operation& operation);
  Coro<> try_body(int label, const Operation& operation);
  Said future_await(int label, const Operation& operation);
  Said future_set(int label, const Operation& operation);
  Said future_fail(int label, const Operation& operation);
  Said future_cancel(int label, const Operation& operation);
  Said event_wait(int label, const Operation& operation);
  Said event_set(int label, const Operation& operation);
  Said event_clear(int label, const Operation& operation);
  Said lock(int label, const Operation& operation);
  Said semaphore(int label, const Operation& operation);
  Said condition_wait(int label, const Operation& operation);
  Said notify(int label, const Operation& operation);
  Said put(int label, const Operation& operation);
  Said get(int label, const Operation& operation);
  Said barrier(int label, const Operation& operation);

  asyncio::TimePoint start_;
  Future<int> futures_[3];
  asyncio::Event events_[2];
  asyncio::Lock locks_[2];
  asyncio::Semaphore semaphore_{2};
  asyncio::Condition condition_;
  asyncio::Queue<int> unlimited_;
  asyncio::Queue<int> limited_{2};
  asyncio::Queue<int>* queues_[2] = {&unlimited_, &limited_};
  asyncio::Barrier barrier_{2};
  std::map<int, Task<int>> tasks_;  // what `spawn` made, by number
  std::vector<AnyTask> started_;    // every task that ran a body
};

std::chrono::milliseconds milliseconds(int count) { return std::chrono::milliseconds(count); }

// Without what Python writes behind the sentence: addresses and places.
std::string short_text(const std::exception_ptr& error) {
  std::string text = fmt(error);
  const std::size_t rest = text.find(": <");
  return rest == text.npos ? text : text.substr(0, rest) + ")";
}

World::Action World::action(const std::string& name) {
  static const std::map<std::string, Action> actions = {
      {"sleep", &World::sleep},
      {"raise", &World::raise},
      {"spawn", &World::spawn},
      {"await", &World::await},
      {"shield", &World::shielded},
      {"await_for", &World::await_for},
      {"cancel", &World::cancel},
      {"cancel_saying", &World::cancel_saying},
      {"uncancel", &World::uncancel},
      {"look", &World::look},
      {"wait", &World::wait},
      {"gather", &World::gathered},
      {"gather_raising", &World::gathered_raising},
      {"group", &World::group},
      {"timeout", &World::timed},
      {"wait_for", &World::waited_for},
      {"try", &World::tried},
      {"future_await", &World::future_await},
      {"future_set", &World::future_set},
      {"future_fail", &World::future_fail},
      {"future_cancel", &World::future_cancel},
      {"event_wait", &World::event_wait},
      {"event_set", &World::event_set},
      {"event_clear", &World::event_clear},
      {"lock", &World::lock},
      {"semaphore", &World::semaphore},
      {"condition_wait", &World::condition_wait},
      {"notify", &World::notify},
      {"put", &World::put},
      {"get", &World::get},
      {"barrier", &World::barrier},
  };
  return actions.at(name);
}

Coro<int> World::body(int label, const Body& operations) {
  const AnyTask self = *current_task();
  bool known = false;
  for (const AnyTask& each : started_) known = known || each == self;
  if (!known) started_.push_back(self);
  co_await run(label, operations);
  co_return label;
}

Coro<> World::run(int label, const Body& operations) {
  for (const Operation& operation : operations) {
    const std::string name = operation.name + "." + std::to_string(operation.number);
    try {
      write(label, name, co_await (this->*action(operation.name))(label, operation));
    } catch (...) {
      write(label, name, "!" + short_text(std::current_exception()));
      throw;
    }
  }
}

// ---- time and tasks

World::Said World::sleep(int, const Operation& operation) {
  co_await asyncio::sleep(milliseconds(operation.values[0]));
  co_return "ok";
}

World::Said World::raise(int, const Operation& operation) {
  throw ValueError(std::to_string(operation.values[0]));
  co_return "";
}

World::Said World::spawn(int, const Operation& operation) {
  const int number = operation.values[0];
  tasks_[number] = create_task(body(number, operation.bodies[0]));
  co_return "ok";
}

World::Said World::await(int, const Operation& operation) {
  Task<int>* found = task(operation.values[0]);
  co_return found != nullptr ? fmt(co_await *found) : "missing";
}

World::Said World::shielded(int, const Operation& operation) {
  Task<int>* found = task(operation.values[0]);
  co_return found != nullptr ? fmt(co_await asyncio::shield(*found)) : "missing";
}

World::Said World::await_for(int, const Operation& operation) {
  Task<int>* found = task(operation.values[1]);
  if (found == nullptr) co_return "missing";
  co_return fmt(co_await wait_for(*found, milliseconds(operation.values[0])));
}

World::Said World::cancel(int, const Operation& operation) {
  Task<int>* found = task(operation.values[0]);
  co_return found != nullptr ? fmt(found->cancel()) : "missing";
}

World::Said World::cancel_saying(int, const Operation& operation) {
  Task<int>* found = task(operation.values[0]);
  if (found == nullptr) co_return "missing";
  co_return fmt(found->cancel("m" + std::to_string(operation.values[1])));
}

World::Said World::uncancel(int, const Operation&) { co_return fmt(current_task()->uncancel()); }

World::Said World::look(int, const Operation& operation) {
  Task<int>* found = task(operation.values[0]);
  if (found == nullptr) co_return "missing";
  if (!found->done()) co_return "pending " + fmt(found->cancelling());
  if (found->cancelled()) co_return "cancelled " + fmt(found->cancelling());
  if (std::exception_ptr error = found->exception()) co_return short_text(error);
  co_return "result " + fmt(found->result());
}

World::Said World::wait(int, const Operation& operation) {
  std::vector<Task<int>> tasks;
  std::vector<int> numbers;
  for (std::size_t i = 2; i < operation.values.size(); ++i) {
    if (task(operation.values[i]) == nullptr) continue;
    numbers.push_back(operation.values[i]);
    tasks.push_back(*task(operation.values[i]));
  }
  if (tasks.empty()) co_return "missing";
  constexpr asyncio::ReturnWhen kModes[] = {asyncio::ALL_COMPLETED, asyncio::FIRST_COMPLETED,
                                            asyncio::FIRST_EXCEPTION};
  asyncio::WaitOptions options;
  if (operation.values[0] != 0) options.timeout = milliseconds(operation.values[0]);
  options.return_when = kModes[operation.values[1]];
  const auto result = co_await asyncio::wait(tasks, options);
  std::vector<int> done;
  for (std::size_t i = 0; i < tasks.size(); ++i)
    for (const Task<int>& each : result.done)
      if (each == tasks[i]) done.push_back(numbers[i]);
  co_return "done " + fmt(done);
}

// ---- combinators

std::vector<Coro<int>> World::children(const Operation& operation) {
  std::vector<Coro<int>> coroutines;
  for (std::size_t i = 0; i < operation.bodies.size(); ++i)
    coroutines.push_back(body(operation.values[i], operation.bodies[i]));
  return coroutines;
}

World::Said World::gathered(int, const Operation& operation) {
  const auto outcomes = co_await gather(return_exceptions, children(operation));
  std::vector<std::string> texts;
  for (const auto& outcome : outcomes)
    texts.push_back(outcome.has_value() ? fmt(outcome.value()) : short_text(outcome.exception()));
  co_return fmt(texts);
}

World::Said World::gathered_raising(int, const Operation& operation) {
  co_return fmt(co_await gather(children(operation)));
}

World::Said World::group(int label, const Operation& operation) {
  co_await with(asyncio::TaskGroup(), [&](asyncio::TaskGroup& tasks) -> Coro<> {
    for (std::size_t i = 0; i < operation.values.size(); ++i)
      tasks.create_task(body(operation.values[i], operation.bodies[i + 1]));
    co_await run(label, operation.bodies[0]);
  });
  co_return "ok";
}

World::Said World::timed(int label, const Operation& operation) {
  asyncio::Timeout scope = timeout(milliseconds(operation.values[0]));
  co_await with(scope, [&]() -> Coro<> { co_await run(label, operation.bodies[0]); });
  co_return scope.expired() ? "expired" : "ok";
}

World::Said World::waited_for(int, const Operation& operation) {
  co_return fmt(co_await wait_for(body(operation.values[1], operation.bodies[0]),
                                  milliseconds(operation.values[0])));
}

Coro<> World::try_body(int label, const Operation& operation) {
  const std::exception_ptr error = co_await caught(run(label, operation.bodies[0]));
  if (!error) co_return;
  const bool catches = (operation.values[0] & (is<CancelledError>(error) ? 1 : 2)) != 0;
  if (!catches) std::rethrow_exception(error);
  write(label, "caught", short_text(error));
  co_await run(label, operation.bodies[1]);
}

World::Said World::tried(int label, const Operation& operation) {
  co_await asyncio::try_finally([&] { return try_body(label, operation); },
                                [&] { return run(label, operation.bodies[2]); });
  co_return "ok";
}

// ---- futures and synchronisation

World::Said World::future_await(int, const Operation& operation) {
  co_return fmt(co_await futures_[operation.values[0]]);
}

World::Said World::future_set(int, const Operation& operation) {
  futures_[operation.values[0]].set_result(operation.values[1]);
  co_return "ok";
}

World::Said World::future_fail(int, const Operation& operation) {
  futures_[operation.values[0]].set_exception(ValueError(std::to_string(operation.values[1])));
  co_return "ok";
}

World::Said World::future_cancel(int, const Operation& operation) {
  co_return fmt(futures_[operation.values[0]].cancel());
}

World::Said World::event_wait(int, const Operation& operation) {
  co_await events_[operation.values[0]].wait();
  co_return "ok";
}

World::Said World::event_set(int, const Operation& operation) {
  events_[operation.values[0]].set();
  co_return "ok";
}

World::Said World::event_clear(int, const Operation& operation) {
  events_[operation.values[0]].clear();
  co_return "ok";
}

World::Said World::lock(int label, const Operation& operation) {
  const auto held = co_await locks_[operation.values[0]].scoped();
  write(label, "locked");
  co_await run(label, operation.bodies[0]);
  co_return "ok";
}

World::Said World::semaphore(int label, const Operation& operation) {
  const auto held = co_await semaphore_.scoped();
  write(label, "entered");
  co_await run(label, operation.bodies[0]);
  co_return "ok";
}

World::Said World::condition_wait(int label, const Operation& operation) {
  const auto held = co_await condition_.scoped();
  co_await condition_.wait();
  write(label, "notified");
  co_await run(label, operation.bodies[0]);
  co_return "ok";
}

World::Said World::notify(int, const Operation& operation) {
  const auto held = co_await condition_.scoped();
  condition_.notify(static_cast<std::size_t>(operation.values[1]));
  co_return "ok";
}

World::Said World::put(int, const Operation& operation) {
  co_await queues_[operation.values[0]]->put(operation.values[1]);
  co_return "ok";
}

World::Said World::get(int, const Operation& operation) {
  co_return fmt(co_await queues_[operation.values[0]]->get());
}

World::Said World::barrier(int, const Operation&) {
  co_await barrier_.wait();
  co_return "ok";
}

// ---- the whole program

Coro<> World::cancel_what_is_left() {
  co_await asyncio::sleep(kStuckAfter);  // what was spawned last has run now
  for (int round = 0; round < kRounds; ++round) {
    const std::vector<AnyTask> known = started_;
    bool any = false;
    for (const AnyTask& each : known) {
      if (each.done()) continue;
      any = true;
      each.cancel();
    }
    if (!any) break;
    co_await asyncio::sleep(kStuckAfter);
  }
  int left = 0;
  for (const AnyTask& each : started_) left += each.done() ? 0 : 1;
  write("left", left);
}

Coro<> World::top(const Body& operations) {
  Task<int> main = create_task(body(0, operations));
  for (int round = 0; round < kRounds; ++round) {
    const auto result =
        co_await asyncio::wait(std::vector{main}, asyncio::WaitOptions{.timeout = kStuckAfter});
    if (!result.done.empty()) break;
    write("stuck");
    main.cancel();
  }
  if (!main.done())
    write("main", "pending");
  else if (main.cancelled())
    write("main", "cancelled");
  else
    write("main", main.exception() ? short_text(main.exception()) : "ok");
  co_await cancel_what_is_left();
}

Coro<> enter(std::unique_ptr<World>& world, const Body& operations) {
  world = std::make_unique<World>();
  co_await world->top(operations);
}

}  // namespace

void run_file(const std::string& name) {
  std::ifstream file(name);
  if (!file) throw std::runtime_error("cannot read " + name);
  std::ostringstream text;
  text << file.rdbuf();
  const Body program = parse(text.str());
  asyncio::LoopOptions options;
  options.time_source = std::make_shared<asyncio::testing::VirtualClock>();
  options.poll_interval = 1;
  std::unique_ptr<World> world;  // outlives the tasks, which the loop ends
  Loop loop(std::move(options));
  loop.set_exception_handler([](Loop&, const asyncio::ExceptionContext&) {});
  loop.run_until_complete(enter(world, program));
}

}  // namespace parity::random
