#include "asyncio/combinators/children.hpp"

#include <cstddef>

#include "asyncio/core/instrument.hpp"

#pragma GCC diagnostic ignored "-Winvalid-offsetof"  // of classes with bases: all compilers give it

namespace asyncio::detail {

// ---- for who looks from outside

template <>
struct Shape<ChildOwner> {
  static constexpr std::int32_t kAwaiters = offsetof(ChildOwner, awaiters_);
};
template <>
struct Shape<ChildWatch> {
  static constexpr const char* kLabel = "child";
  static inline constinit WaitKind kind{.type = &typeid(ChildWatch),
                                        .labels = &kLabel,
                                        .told = offsetof(ChildWatch, owner_),
                                        .told_at = Shape<ChildOwner>::kAwaiters,
                                        .told_is_list = true};
};
namespace {
const ShownKind kShowChildWatch(Shape<ChildWatch>::kind);
}  // namespace

// ---- one child

void ChildWatch::notify() noexcept {
  if (!strong_) {
    child_->add_reference();
    strong_ = true;
  }
  child_->scheduler()->push_ready(*this);
}

void ChildWatch::loosen() noexcept {
  if (!strong_ || child_->done()) return;
  strong_ = false;
  child_->drop_reference();  // may end it, and call orphan()
}

void ChildWatch::orphan() noexcept {
  release();
  owner_->child_lost(*this);
}

// ---- futures made of others

void Follower::child_done(ChildWatch& watch) {
  const auto keep = StatePtr<FutureBase>::share(&outer_);
  --watching_;
  settle(watch);
}

void Follower::child_lost(ChildWatch&) noexcept {
  const auto keep = StatePtr<FutureBase>::share(&outer_);
  --watching_;
}

bool Follower::may_die(ChildWatch* watches, std::size_t count) noexcept {
  if (watching_ != 0 && !loosened_) {
    loosened_ = true;
    ++watching_;  // children that end here must not end us: we do that below
    for (std::size_t i = 0; i < count; ++i) watches[i].loosen();
    --watching_;
  }
  return watching_ == 0;
}

// ---- results

std::exception_ptr take_failure(FutureBase& child) {
  if (child.has_result()) return nullptr;
  child.mark_retrieved();
  if (child.stored_exception()) return child.stored_exception();
  return std::make_exception_ptr(CancelledError());
}

void throw_other_loop(const FutureBase& future) {
  throw ValueError(
      "The future belongs to a different loop than the one specified as the loop argument\n"
      "  future: " +
      future.repr());
}

}  // namespace asyncio::detail
