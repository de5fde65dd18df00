// file_ring.hpp: a ring of its own for calls on files. The backend's ring belongs to one thread and
// is replaced where the loop moves to another; a write that is under way could not be told any
// more. This one may be used from any thread, one at a time.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "asyncio/io/file_call.hpp"
#include "asyncio/io/internal/ring.hpp"

namespace asyncio::detail {

class FileRing {
 public:
  // `wakeup`: an eventfd that is written to when a call ends while nobody looks. Throws OSError.
  explicit FileRing(int wakeup);
  FileRing(const FileRing&) = delete;
  FileRing& operator=(const FileRing&) = delete;
  ~FileRing();  // waits until the kernel is done with all calls, which it is asked to be at once

  bool offers(FileCall::Kind kind) const noexcept { return offered_[index_of(kind)]; }
  void add(FileCall& call) { waiting_.push_back(&call); }
  // Begins what was added, and tells what is over. True where something was told or is to be begun.
  bool advance() noexcept;

 private:
  // A call that the kernel has, named by index and generation.
  struct Slot {
    FileCall* call = nullptr;
    std::uint32_t generation = 0;
  };
  static std::size_t index_of(FileCall::Kind kind) noexcept {
    return static_cast<std::size_t>(kind);
  }
  void submit() noexcept;
  bool begin(FileCall& call) noexcept;
  void prepare(io_uring_sqe& entry, const FileCall& call) const noexcept;
  FileCall* end(std::uint64_t user_data) noexcept;
  static void drop(FileCall& call, int result) noexcept;
  void drain() noexcept;

  Ring ring_;
  std::array<bool, FileCall::kKinds> offered_{};
  std::vector<FileCall*> waiting_;  // not yet with the kernel
  std::vector<Slot> slots_;
  std::vector<std::uint32_t> free_;
  std::size_t under_way_ = 0;
};

}  // namespace asyncio::detail
