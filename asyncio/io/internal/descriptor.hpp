// descriptor.hpp: what the io_uring backend keeps for each fd, and how it names operations.
#pragma once
#include <array>
#include <cstdint>
#include <deque>
#include <memory>

#include "asyncio/io/backend.hpp"

// Its own namespace: the names are short.
namespace asyncio::detail::uring {

// What the kernel may hold for an fd, one of each kind at most.
enum Operation : std::uint8_t {
  kPollRead,   // until cancelled: the fd has something to read
  kPollWrite,  // until cancelled: it takes data
  kPollLevel,  // once; asked again as long as the interest lasts
  kReceive,    // until the end of the stream
  kAccept,     // until cancelled
  kOperations,
  kCancel = 14,  // nobody waits for these two
  kWake = 15,
};

constexpr std::uint8_t bit(Operation operation) noexcept {
  return static_cast<std::uint8_t>(1U << operation);
}

constexpr std::uint32_t kGenerations = (1U << 28) - 1;  // what fits into the rest of user_data

struct Tag {
  int fd;
  Operation operation;
  std::uint32_t generation;

  static Tag of(std::uint64_t data) noexcept {
    return {static_cast<int>(data & 0xffff'ffff), static_cast<Operation>((data >> 32) & 0xf),
            static_cast<std::uint32_t>(data >> 36)};
  }
  std::uint64_t user_data() const noexcept {
    return static_cast<std::uint32_t>(fd) | std::uint64_t{operation} << 32 |
           std::uint64_t{generation} << 36;
  }
};

// Where the unread parts of received data lie: a list through the buffers, in order of arrival.
struct Piece {
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
  int next = -1;
};

// What the backend knows of one fd. How it is read:
//
//   unknown --receive()--> stream      by kReceive, while there are free buffers
//   unknown --accept()---> listener    by kAccept
//   either  --refused----> plain       by kPollRead, as what is unknown
enum class Kind : std::uint8_t { unknown, stream, listener, plain };

struct Descriptor {
  FdWatcher* watcher = nullptr;
  std::unique_ptr<std::deque<int>> accepted;  // not yet taken by the owner
  // A completion of another generation is of an operation that does not matter any more.
  std::array<std::uint32_t, kOperations> generation{};
  int first = -1;  // the received pieces
  int last = -1;
  int outcome = kNone;      // how the multishot operation ended: 0 or -errno
  std::uint32_t since = 0;  // the wait() that brought the oldest of what waits for the owner
  std::uint16_t pieces = 0;
  Kind kind = Kind::unknown;
  std::uint8_t armed = 0;     // bits of Operation: the kernel has one
  std::uint8_t stopping = 0;  // of those: cancelled; kReceive and kAccept may still bring something
  std::uint8_t wanted = 0;    // to be submitted in the next wait()
  std::uint8_t level = 0;     // POLLIN, POLLOUT of watch_level()
  bool listed = false;        // stands in to_arm_

  static constexpr int kNone = 1;
  bool is_edge() const noexcept { return watcher != nullptr && level == 0; }
  bool has_waiting() const noexcept {
    return first >= 0 || outcome != kNone || (accepted && !accepted->empty());
  }
};

}  // namespace asyncio::detail::uring
