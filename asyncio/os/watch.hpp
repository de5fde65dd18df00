// watch.hpp: watch_directory: what happens in a folder, as it happens, through inotify(7).
//
//   auto changes = asyncio::watch_directory("inbox");
//   while (auto change = co_await changes.next())
//     if (change->kind == asyncio::FileChange::Kind::closed) co_await take(change->name);
#pragma once
#include <cstdint>
#include <string>

#include "asyncio/combinators/generators.hpp"

namespace asyncio {

struct FileChange {
  enum class Kind : std::uint8_t {
    created,
    modified,    // written to, or cut
    closed,      // after writing: now its content is there to be read
    attributes,  // permissions, times, links
    moved_from,  // renamed, or moved away; the other half has the same cookie
    moved_to,
    deleted,
    gone,      // the watched folder itself was deleted, moved or unmounted: the end
    overflow,  // changes were lost, since too many came at once: look for yourself
  };
  Kind kind = Kind::created;
  std::string name = {};  // within the folder; empty for gone and overflow
  bool is_directory = false;
  std::uint32_t cookie = 0;  // joins moved_from and moved_to
};

// The changes in a folder (not in those below it), in order, from the call on: they wait in the
// kernel while nobody asks. Ends after `gone`. Throws FileNotFoundError, NotADirectoryError and
// their like at once.
// Cancellation: ends the generator, as any other.
AsyncGenerator<FileChange> watch_directory(std::string path);

const char* to_string(FileChange::Kind kind) noexcept;  // "created"

}  // namespace asyncio
