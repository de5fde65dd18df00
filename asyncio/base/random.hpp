// random.hpp: a small seeded generator (SplitMix64, by Guy Steele and others). The same numbers on
// every machine, which std::uniform_int_distribution does not promise.
#pragma once
#include <cstddef>
#include <cstdint>
#include <utility>

namespace asyncio::detail {

class Random {
 public:
  explicit Random(std::uint64_t seed) noexcept : state_(seed) {}

  std::uint64_t next() noexcept {
    state_ += 0x9e3779b97f4a7c15U;
    return mixed(state_);
  }
  // 0 <= x < bound; 0 for a bound of 0. The bias, bound / 2^64, is nothing to a test.
  std::uint64_t below(std::uint64_t bound) noexcept { return bound == 0 ? 0 : next() % bound; }
  bool chance(double probability) noexcept {
    if (probability <= 0) return false;
    return static_cast<double>(next() >> 11) < probability * 9007199254740992.0;  // of 2^53
  }
  template <class Sequence>
  void shuffle(Sequence& items) noexcept {
    for (std::size_t left = items.size(); left > 1; --left)
      std::swap(items[left - 1], items[static_cast<std::size_t>(below(left))]);
  }

  static std::uint64_t mixed(std::uint64_t value) noexcept {
    value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9U;
    value = (value ^ (value >> 27)) * 0x94d049bb133111ebU;
    return value ^ (value >> 31);
  }

 private:
  std::uint64_t state_;
};

}  // namespace asyncio::detail
