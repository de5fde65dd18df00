// write_buffer.hpp: what was written and has not been sent yet, as a few strings in a row.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace asyncio::detail {

class WriteBuffer {
 public:
  bool empty() const noexcept { return size_ == 0; }
  std::size_t size() const noexcept { return size_; }

  void append(std::string_view data) {
    if (data.empty()) return;
    size_ += data.size();
    // Small pieces share a string; a large one gets its own, so that nothing is moved twice.
    if (empty_pieces() || !has_room(pieces_.back(), data.size())) {
      pieces_.emplace_back(data);
      return;
    }
    pieces_.back().append(data);
  }

  // Takes the string over from byte `skip` on; copies it where it is small.
  void append(std::string&& data, std::size_t skip) {
    if (data.size() - skip < kWorthTaking || (skip > 0 && !empty_pieces())) {
      append(std::string_view(data).substr(skip));
      return;
    }
    pieces_.push_back(std::move(data));
    if (pieces_.size() - first_ == 1) begin_ = skip;
    size_ += pieces_.back().size() - skip;
  }

  void consume(std::size_t count) noexcept {
    size_ -= count;
    while (count > 0) {
      const std::size_t first = pieces_[first_].size() - begin_;
      if (count < first) {
        begin_ += count;
        return;
      }
      count -= first;
      begin_ = 0;
      std::string().swap(pieces_[first_++]);
    }
    if (empty_pieces()) {
      std::vector<std::string>().swap(pieces_);
      first_ = 0;
    } else if (first_ > pieces_.size() / 2) {  // so that each string moves once, at most
      pieces_.erase(pieces_.begin(), pieces_.begin() + static_cast<std::ptrdiff_t>(first_));
      first_ = 0;
    }
  }

  void clear() noexcept {
    pieces_.clear();
    first_ = begin_ = size_ = 0;
  }

  // Calls visit(std::string_view) for the first `limit` pieces, in order.
  template <class Visit>
  void for_each_piece(std::size_t limit, Visit visit) const {
    std::size_t skip = begin_;
    for (std::size_t i = first_; i < pieces_.size() && limit > 0; ++i, --limit) {
      visit(std::string_view(pieces_[i]).substr(skip));
      skip = 0;
    }
  }

 private:
  static constexpr std::size_t kPieceSize = std::size_t{64} * 1024;
  static constexpr std::size_t kWorthTaking = std::size_t{4} * 1024;
  // A string that is long already does not move for a few more bytes.
  static bool has_room(const std::string& piece, std::size_t size) noexcept {
    const std::size_t wanted = piece.size() + size;
    return wanted <= kPieceSize && (wanted <= kWorthTaking || wanted <= piece.capacity());
  }
  bool empty_pieces() const noexcept { return first_ == pieces_.size(); }

  std::vector<std::string> pieces_;
  std::size_t first_ = 0;  // what stands before is sent
  std::size_t begin_ = 0;  // sent already, of the first piece
  std::size_t size_ = 0;
};

}  // namespace asyncio::detail
