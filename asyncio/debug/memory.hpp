// memory.hpp: reads the memory of a process from outside, and finds the registries of asyncio in
// it. Nothing is stopped and nothing is executed there; what is read may change meanwhile.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <unordered_map>
#include <vector>

#include "asyncio/base/errors.hpp"

namespace asyncio::debug {

using Address = std::uint64_t;

// Why a process cannot be looked into. The sentence names the cure.
class InspectError : public RuntimeError {
 public:
  // missing: no such process; denied: not allowed to read it; no_loop: nothing of asyncio in it;
  // version: another version of the registry.
  enum class Reason { missing, denied, no_loop, version };
  InspectError(Reason why, const std::string& sentence) : RuntimeError(sentence), why_(why) {}
  Reason why() const noexcept { return why_; }

 private:
  Reason why_;
};

class Memory {
 public:
  Memory() = default;
  Memory(const Memory&) = delete;
  Memory& operator=(const Memory&) = delete;
  virtual ~Memory() = default;

  // False where not all of it can be read; `to` is then undefined.
  virtual bool read(Address from, void* to, std::size_t size) = 0;
  // Forgets what was read before, where that is kept.
  virtual void refresh() {}

  template <class T>
    requires std::is_trivially_copyable_v<T>
  std::optional<T> get(Address from) {
    T value;
    if (!read(from, static_cast<void*>(&value), sizeof(value))) return std::nullopt;
    return value;
  }
  Address pointer(Address from) { return get<Address>(from).value_or(0); }
  // Up to `longest` bytes of the text that ends with a zero; unprintable ones become '?'.
  std::string text(Address from, std::size_t longest = 512);
};

// The memory of another process, or of this one, a page at a time.
class ProcessMemory final : public Memory {
 public:
  // Throws InspectError: missing or denied.
  explicit ProcessMemory(int pid);
  bool read(Address from, void* to, std::size_t size) override;
  void refresh() override { pages_.clear(); }
  // False where it cannot be written. What was read before does not know of it.
  bool write(Address to, const void* from, std::size_t size) noexcept;

 private:
  static constexpr std::size_t kPage = 4096;
  using Page = std::array<std::byte, kPage>;
  const Page* page(Address number);

  int pid_;
  std::unordered_map<Address, std::unique_ptr<Page>> pages_;
};

// Where the registries are: one for the program and one for each shared library that has the
// library linked in.
std::vector<Address> find_registries(int pid, Memory& memory);

}  // namespace asyncio::debug
