// write_buffer.hpp: what was written and has not been sent yet, as a few strings in a row.
#pragma once
#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "asyncio/base/frame_pool.hpp"

namespace asyncio::detail {

class WriteBuffer {
 public:
  bool empty() const noexcept { return pieces_ == nullptr; }
  std::size_t size() const noexcept { return empty() ? 0 : pieces_->size; }

  void append(std::string_view data) {
    if (data.empty()) return;
    with_pieces([data](Pieces& pieces) {
      // Small ones share a string; a large one gets its own, so that nothing is moved twice.
      if (pieces.strings.empty() || !has_room(pieces.strings.back(), data.size()))
        pieces.strings.emplace_back(data);
      else
        pieces.strings.back().append(data);
      pieces.size += data.size();
    });
  }

  // Takes the string over from byte `skip` on; copies it where it is small.
  void append(std::string&& data, std::size_t skip) {
    if (data.size() - skip < kWorthTaking || (skip > 0 && !empty())) {
      append(std::string_view(data).substr(skip));
      return;
    }
    with_pieces([&data, skip](Pieces& pieces) {
      pieces.strings.push_back(std::move(data));
      if (pieces.size == 0) pieces.begin = skip;
      pieces.size += pieces.strings.back().size() - skip;
    });
  }

  // At most size().
  void consume(std::size_t count) noexcept {
    if (count == 0) return;
    Pieces& pieces = *pieces_;
    pieces.size -= count;
    if (pieces.size == 0) {
      clear();
      return;
    }
    while (count > 0) {
      const std::size_t first = pieces.strings[pieces.first].size() - pieces.begin;
      if (count < first) {
        pieces.begin += count;
        return;
      }
      count -= first;
      pieces.begin = 0;
      std::string().swap(pieces.strings[pieces.first++]);
    }
    if (pieces.first > pieces.strings.size() / 2) {  // so that each string moves once, at most
      pieces.strings.erase(pieces.strings.begin(),
                           pieces.strings.begin() + static_cast<std::ptrdiff_t>(pieces.first));
      pieces.first = 0;
    }
  }

  void clear() noexcept { pieces_.reset(); }

  // Calls visit(std::string_view) for the first `limit` pieces, in order.
  template <class Visit>
  void for_each_piece(std::size_t limit, Visit visit) const {
    if (empty()) return;
    std::size_t skip = pieces_->begin;
    for (std::size_t i = pieces_->first; i < pieces_->strings.size() && limit > 0; ++i, --limit) {
      visit(std::string_view(pieces_->strings[i]).substr(skip));
      skip = 0;
    }
  }

 private:
  static constexpr std::size_t kPieceSize = std::size_t{64} * 1024;
  static constexpr std::size_t kWorthTaking = std::size_t{4} * 1024;

  struct Pieces : Pooled {
    std::vector<std::string> strings;
    std::size_t first = 0;  // what stands before is sent
    std::size_t begin = 0;  // sent already, of the first piece
    std::size_t size = 0;
  };

  // A string that is long already does not move for a few more bytes.
  static bool has_room(const std::string& piece, std::size_t size) noexcept {
    const std::size_t wanted = piece.size() + size;
    return wanted <= kPieceSize && (wanted <= kWorthTaking || wanted <= piece.capacity());
  }

  // Where there is no memory for more, what was there stays.
  template <class Add>
  void with_pieces(Add add) {
    if (pieces_ != nullptr) {
      add(*pieces_);
      return;
    }
    auto made = std::make_unique<Pieces>();
    add(*made);
    pieces_ = std::move(made);
  }

  std::unique_ptr<Pieces> pieces_;  // null while nothing waits: most connections, mostly
};

}  // namespace asyncio::detail
