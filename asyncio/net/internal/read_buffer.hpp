// read_buffer.hpp: the bytes that a stream has received and nobody has read yet.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>

namespace asyncio::detail {

// Received data: a string, and where the unread part begins and ends.
class ReadBuffer {
 public:
  std::size_t size() const noexcept { return end_ - begin_; }
  bool empty() const noexcept { return begin_ == end_; }
  std::string_view view() const noexcept { return {bytes_.data() + begin_, size()}; }
  void append(std::string_view data);
  // Room for so many bytes behind what is there, to be received into; then fill(), also with 0.
  char* room(std::size_t size);
  void fill(std::size_t count) noexcept;
  void consume(std::size_t count) noexcept;
  // The first `count` bytes; moved out without a copy where that is all there is.
  std::string take(std::size_t count);

 private:
  void make_room(std::size_t size);
  void let_go() noexcept;

  std::string bytes_;  // behind end_: room that was written before, or zeros
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace asyncio::detail
