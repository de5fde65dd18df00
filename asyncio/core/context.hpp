// context.hpp: ContextVar, Context, copy_context.
// Source: docs.python.org/3/library/contextvars.html
// A task copies the context it is created in; callbacks copy the context they are registered in.
// Copies share their values until one of them sets a variable, so tasks of a program without
// context variables pay next to nothing.
#pragma once
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "asyncio/base/errors.hpp"

namespace asyncio {

class Context;
template <class T>
class ContextVar;

namespace detail {

using ContextValue = std::shared_ptr<const void>;

// Values by variable id, sorted; immutable once shared.
struct ContextData {
  std::vector<std::pair<std::uint64_t, ContextValue>> values;
  const ContextValue* find(std::uint64_t id) const noexcept;
};

// A context as a task or callback holds it. May be null: nothing is set.
using ContextSlot = std::shared_ptr<const ContextData>;

// What ContextScope has made current on this thread, or null.
extern constinit thread_local ContextSlot* tls_entered_context
    __attribute__((tls_model("initial-exec")));
// The slot that set() on this thread goes to. Throws std::bad_alloc.
ContextSlot& current_context_slot();
// What get() on this thread reads.
const ContextSlot& current_context() noexcept;
// False until the process sets its first context variable: until then all contexts are empty, and
// a new task or callback need not look for one (saves 25 instructions).
extern constinit std::atomic<bool> context_values_exist;
inline bool may_have_context() noexcept {
  return context_values_exist.load(std::memory_order_relaxed);
}
std::uint64_t next_context_variable_id() noexcept;
void context_assign(ContextSlot& slot, std::uint64_t id, ContextValue value);  // null: removes
[[noreturn]] void throw_no_value(const std::string& name);
[[noreturn]] void throw_token_misuse(const std::string& name, const char* sentence);

// Makes a context current for a scope; null: that of the running task, or of the loop.
class ContextScope {
 public:
  explicit ContextScope(ContextSlot* entered) noexcept
      : outer_(std::exchange(tls_entered_context, entered)) {}
  ContextScope(const ContextScope&) = delete;
  ContextScope& operator=(const ContextScope&) = delete;
  ~ContextScope() { tls_entered_context = outer_; }

 private:
  ContextSlot* outer_;
};

}  // namespace detail

// The variables of one task or callback. Copies are cheap and then independent.
class Context {
 public:
  Context() = default;

  // Runs f() in this context; what f sets stays in it. Throws RuntimeError if it is entered.
  template <class F>
  decltype(auto) run(F&& f) {
    Entry entry(*this);
    return std::forward<F>(f)();
  }

  bool contains(std::uint64_t variable) const noexcept {
    return state_->slot && state_->slot->find(variable) != nullptr;
  }
  template <class T>
  bool contains(const ContextVar<T>& variable) const noexcept {
    return contains(variable.id());
  }
  // Throws LookupError where it is not set here.
  template <class T>
  const T& get(const ContextVar<T>& variable) const;
  std::size_t size() const noexcept { return state_->slot ? state_->slot->values.size() : 0; }
  Context copy() const { return Context(state_->slot); }

  explicit Context(detail::ContextSlot slot) : state_(std::make_shared<State>(std::move(slot))) {}
  detail::ContextSlot& slot() const noexcept { return state_->slot; }

 private:
  struct State {
    State() = default;
    explicit State(detail::ContextSlot initial) : slot(std::move(initial)) {}
    detail::ContextSlot slot;
    bool entered = false;
  };
  class Entry {
   public:
    explicit Entry(Context& context) : state_(*context.state_), scope_(&enter(state_)) {}
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;
    ~Entry() { state_.entered = false; }

   private:
    static detail::ContextSlot& enter(State& state) {
      if (state.entered)
        throw RuntimeError("cannot enter context: this Context is already entered");
      state.entered = true;
      return state.slot;
    }
    State& state_;
    detail::ContextScope scope_;
  };

  // Shared by copies of the handle: Python's Context is a reference.
  std::shared_ptr<State> state_ = std::make_shared<State>();
};

Context copy_context();

namespace detail {

// What a callback runs in: a copy of its own, or the Context it was given, which it may change.
// One null pointer where there is nothing to remember.
class CallbackContext {
 public:
  void enter(const std::optional<Context>& given) {
    if (given || may_have_context()) [[unlikely]]
      remember(given);
  }
  Context& get() {
    if (!kept_) kept_.reset(new Context);
    return *kept_;
  }

  // Makes it current for a scope, and keeps what was set in it.
  class Scope {
   public:
    explicit Scope(CallbackContext& owner) noexcept
        : owner_(owner), scope_(owner.kept_ ? &owner.kept_->slot() : &own_) {}
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;
    ~Scope() {
      if (own_) [[unlikely]]
        owner_.keep(std::move(own_));
    }

   private:
    CallbackContext& owner_;
    ContextSlot own_;
    ContextScope scope_;
  };

 private:
  void remember(const std::optional<Context>& given);
  void keep(ContextSlot slot) noexcept;
  struct Drop {  // not inline: hardly any callback has one
    void operator()(Context* kept) const noexcept;
  };
  std::unique_ptr<Context, Drop> kept_;
};

}  // namespace detail

// A variable with one value a context. Meant for static storage.
template <class T>
class ContextVar {
 public:
  // What set() replaced, for reset().
  class Token {
   public:
    // The value before set(), where there was one.
    const T* old_value() const noexcept { return static_cast<const T*>(old_.get()); }

   private:
    friend class ContextVar;
    Token(std::uint64_t id, detail::ContextValue old) : id_(id), old_(std::move(old)) {}
    std::uint64_t id_;
    detail::ContextValue old_;
    std::shared_ptr<bool> used_ = std::make_shared<bool>(false);
  };

  explicit ContextVar(std::string name) : name_(std::move(name)) {}
  ContextVar(std::string name, T default_value)
      : name_(std::move(name)), default_(std::move(default_value)) {}
  ContextVar(const ContextVar&) = delete;
  ContextVar& operator=(const ContextVar&) = delete;

  // The value in the current context, else the default. Throws LookupError where there is
  // neither. The reference is good until the variable is set in this context.
  const T& get() const {
    if (const T* value = find()) return *value;
    if (default_) return *default_;
    detail::throw_no_value(name_);
  }
  T get(T fallback) const {
    const T* value = find();
    return value != nullptr ? *value : std::move(fallback);
  }
  Token set(T value) {
    detail::ContextSlot& slot = detail::current_context_slot();
    const detail::ContextValue* old = slot ? slot->find(id_) : nullptr;
    Token token(id_, old != nullptr ? *old : nullptr);
    detail::context_assign(slot, id_, std::make_shared<const T>(std::move(value)));
    return token;
  }
  // Throws ValueError for another variable's token, RuntimeError for one that was used.
  void reset(const Token& token) {
    if (token.id_ != id_)
      detail::throw_token_misuse(name_, "was created by a different ContextVar");
    if (*token.used_) throw RuntimeError("Token has already been used once");
    *token.used_ = true;
    detail::context_assign(detail::current_context_slot(), id_, token.old_);
  }
  const std::string& name() const noexcept { return name_; }
  std::uint64_t id() const noexcept { return id_; }

 private:
  const T* find() const noexcept {
    const detail::ContextSlot& slot = detail::current_context();
    const detail::ContextValue* value = slot ? slot->find(id_) : nullptr;
    return value != nullptr ? static_cast<const T*>(value->get()) : nullptr;
  }

  std::string name_;
  std::optional<T> default_;
  std::uint64_t id_ = detail::next_context_variable_id();
};

template <class T>
const T& Context::get(const ContextVar<T>& variable) const {
  const detail::ContextValue* value = state_->slot ? state_->slot->find(variable.id()) : nullptr;
  if (value == nullptr) detail::throw_no_value(variable.name());
  return *static_cast<const T*>(value->get());
}

}  // namespace asyncio
