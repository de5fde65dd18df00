#include "asyncio/testing/internal/shuffle.hpp"

#include <vector>

#include "asyncio/core/tasks.hpp"

namespace asyncio::testing::internal {

void shuffle_ready_tasks(detail::Random& random) {
  detail::NodeList& ready = detail::current_scheduler().ready;
  if (ready.empty() || ready.only() != nullptr) return;
  std::vector<detail::Node*> queue, tasks;
  for (detail::Node* node = ready.first(); node != nullptr; node = ready.after(*node)) {
    queue.push_back(node);
    if (dynamic_cast<detail::TaskBase*>(node) != nullptr) tasks.push_back(node);
  }
  random.shuffle(tasks);
  auto next = tasks.begin();
  while (!ready.empty()) detail::NodeList::remove(ready.front());
  for (detail::Node* node : queue)
    ready.push_back(dynamic_cast<detail::TaskBase*>(node) != nullptr ? **next++ : *node);
}

}  // namespace asyncio::testing::internal
