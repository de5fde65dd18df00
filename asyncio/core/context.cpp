#include "asyncio/core/context.hpp"

#include <algorithm>
#include <atomic>

#include "asyncio/core/scheduler.hpp"
#include "asyncio/core/tasks.hpp"

namespace asyncio {
namespace detail {
namespace {

auto position(const ContextData& data, std::uint64_t id) noexcept {
  return std::lower_bound(
      data.values.begin(), data.values.end(), id,
      [](const auto& entry, std::uint64_t wanted) { return entry.first < wanted; });
}

}  // namespace

const ContextValue* ContextData::find(std::uint64_t id) const noexcept {
  auto place = position(*this, id);
  return place != values.end() && place->first == id ? &place->second : nullptr;
}

constinit std::atomic<bool> context_values_exist{false};
constinit thread_local ContextSlot* tls_entered_context = nullptr;

namespace {

ContextSlot& context_outside_tasks() noexcept {
  if (tls_scheduler != nullptr) return tls_scheduler->callback_context;
  static thread_local ContextSlot outside_loops;
  return outside_loops;
}

}  // namespace

ContextSlot& current_context_slot() {
  if (tls_entered_context != nullptr) return *tls_entered_context;
  TaskBase* const task = tls_scheduler != nullptr ? tls_scheduler->current_task : nullptr;
  return task != nullptr ? task->context_slot() : context_outside_tasks();
}

const ContextSlot& current_context() noexcept {
  if (tls_entered_context != nullptr) return *tls_entered_context;
  TaskBase* const task = tls_scheduler != nullptr ? tls_scheduler->current_task : nullptr;
  return task != nullptr ? task->context() : context_outside_tasks();
}

void CallbackContext::remember(const std::optional<Context>& given) {
  if (given)
    kept_.reset(new Context(*given));
  else if (const ContextSlot& current = current_context())
    kept_.reset(new Context(current));
}

void CallbackContext::Drop::operator()(Context* kept) const noexcept { delete kept; }

// What a callback has set, for its next run.
void CallbackContext::keep(ContextSlot slot) noexcept {
  try {
    kept_.reset(new Context(std::move(slot)));
  } catch (const std::bad_alloc&) {
    return;  // then it starts empty again
  }
}

std::uint64_t next_context_variable_id() noexcept {
  static std::atomic<std::uint64_t> next{1};
  return next.fetch_add(1, std::memory_order_relaxed);
}

void context_assign(ContextSlot& slot, std::uint64_t id, ContextValue value) {
  context_values_exist.store(true, std::memory_order_relaxed);
  auto changed = slot ? std::make_shared<ContextData>(*slot) : std::make_shared<ContextData>();
  auto place = changed->values.begin() + (position(*changed, id) - changed->values.cbegin());
  const bool present = place != changed->values.end() && place->first == id;
  if (present && value)
    place->second = std::move(value);
  else if (present)
    changed->values.erase(place);
  else if (value)
    changed->values.insert(place, {id, std::move(value)});
  slot = std::move(changed);
}

void throw_no_value(const std::string& name) {
  throw LookupError("<ContextVar name='" + name + "'>");
}

void throw_token_misuse(const std::string& name, const char* sentence) {
  throw ValueError("<Token of another variable than '" + name + "'> " + sentence);
}

}  // namespace detail

Context copy_context() { return Context(detail::current_context()); }

}  // namespace asyncio
