#include "asyncio/net/internal/read_buffer.hpp"

#include <utility>
#include <vector>

#include "asyncio/base/config.hpp"

namespace asyncio::detail {

namespace {

// Memory of this thread for received bytes, between two messages. Without it, many connections
// with large messages would have malloc() give the top of the heap back to the kernel, and page it
// in again, on every pass. The last one given back comes first: it is still in the cache.
class SpareBuffers {
 public:
  SpareBuffers() = default;
  SpareBuffers(const SpareBuffers&) = delete;
  SpareBuffers& operator=(const SpareBuffers&) = delete;
  ~SpareBuffers() { is_gone = true; }

  // Null while the thread ends.
  static SpareBuffers* of_this_thread() noexcept {
    static thread_local SpareBuffers buffers;
    return is_gone ? nullptr : &buffers;
  }

  // A string with room for `size` bytes, where there is one; what is in it means nothing. Those
  // that are too small for today's messages go.
  void lend(std::size_t size, std::string& to) noexcept {
    while (!spare_.empty()) {
      bytes_ -= spare_.back().capacity();
      if (spare_.back().capacity() >= size) to.swap(spare_.back());
      spare_.pop_back();
      if (to.capacity() >= size) return;
    }
  }
  void give_back(std::string&& bytes) noexcept {
    const std::size_t size = bytes.capacity();
    if (ASYNCIO_POOL_PASSTHROUGH || size < kSmallest || size > kLargest || bytes_ + size > kMost)
      return;
    try {
      spare_.push_back(std::move(bytes));
    } catch (...) {  // no memory: then it is not kept
      return;
    }
    bytes_ += size;
  }

  static constexpr std::size_t kSmallest = std::size_t{4} * 1024;  // malloc() is good at less

 private:
  static constexpr std::size_t kLargest = std::size_t{128} * 1024;
  static constexpr std::size_t kMost = std::size_t{2} * 1024 * 1024;
  static inline thread_local bool is_gone = false;

  std::vector<std::string> spare_;
  std::size_t bytes_ = 0;
};

constexpr std::size_t kKeptCapacity = 256;

}  // namespace

void ReadBuffer::make_room(std::size_t size) {
  if (begin_ != 0 && (empty() || end_ + size > bytes_.capacity())) {
    bytes_.erase(0, begin_);
    end_ -= std::exchange(begin_, 0);
  }
  if (empty() && size >= SpareBuffers::kSmallest && size > bytes_.capacity())
    if (SpareBuffers* const spare = SpareBuffers::of_this_thread()) spare->lend(size, bytes_);
}

void ReadBuffer::append(std::string_view data) {
  make_room(data.size());
  bytes_.resize(end_);
  bytes_.append(data);
  end_ = bytes_.size();
}

char* ReadBuffer::room(std::size_t size) {
  if (bytes_.size() - end_ < size) {
    make_room(size);
    if (bytes_.size() - end_ < size) bytes_.resize(end_ + size);
  }
  return bytes_.data() + end_;
}

void ReadBuffer::fill(std::size_t count) noexcept {
  end_ += count;
  if (empty()) let_go();
}

void ReadBuffer::consume(std::size_t count) noexcept {
  begin_ += count;
  if (empty()) let_go();
}

// Idle connections hold little.
void ReadBuffer::let_go() noexcept {
  begin_ = end_ = 0;
  if (bytes_.capacity() <= kKeptCapacity) return;
  std::string bytes;
  bytes.swap(bytes_);
  if (SpareBuffers* const spare = SpareBuffers::of_this_thread())
    spare->give_back(std::move(bytes));
}

std::string ReadBuffer::take(std::size_t count) {
  std::string taken;
  // Not with much room that the user would keep.
  if (begin_ == 0 && count == end_ && count >= bytes_.capacity() / 4) {
    taken.swap(bytes_);
    taken.resize(count);
    end_ = 0;
    return taken;
  }
  taken.assign(view().substr(0, count));
  consume(count);
  return taken;
}

}  // namespace asyncio::detail
