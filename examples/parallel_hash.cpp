// parallel_hash: reads and hashes files (64-bit FNV-1a) in a thread pool, prints them as they
// finish, and keeps the loop free: a ticker goes on meanwhile.
//
//   parallel_hash FILE...
//   parallel_hash --self-test     hashes its own binary eight times, and compares with one thread
#include <fmt/core.h>
#include <asyncio/asyncio.hpp>
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

using namespace std::chrono_literals;

struct Digest {
  std::string path;
  std::uint64_t hash = 14695981039346656037u;
  std::uint64_t bytes = 0;
};

Digest hash_file(std::string path) {  // blocking, runs in a thread
  std::ifstream file(path, std::ios::binary);
  if (!file) throw asyncio::RuntimeError("cannot read " + path);
  Digest digest{.path = std::move(path)};
  std::vector<char> block(64 * 1024);
  while (file.read(block.data(), static_cast<std::streamsize>(block.size())), file.gcount() > 0) {
    digest.bytes += static_cast<std::uint64_t>(file.gcount());
    for (std::streamsize i = 0; i < file.gcount(); ++i) {
      digest.hash ^= static_cast<unsigned char>(block[static_cast<std::size_t>(i)]);
      digest.hash *= 1099511628211u;
    }
  }
  return digest;
}

// [in_pool]
asyncio::Coro<Digest> hash_in_pool(asyncio::ThreadPoolExecutor& pool, std::string path) {
  auto& loop = asyncio::get_running_loop();
  co_return co_await loop.run_in_executor(pool, [path] { return hash_file(path); });
}
// [/in_pool]

asyncio::Coro<> count_ticks(int& ticks) {
  for (;; ++ticks) co_await asyncio::sleep(1ms);
}

asyncio::Coro<int> hash_all(std::vector<std::string> paths, std::vector<Digest>& digests) {
  asyncio::ThreadPoolExecutor pool;  // a thread a core
  int ticks = 0, failures = 0;
  auto ticker = asyncio::create_task(count_ticks(ticks));

  std::vector<asyncio::Coro<Digest>> work;
  for (const auto& path : paths) work.push_back(hash_in_pool(pool, path));
  for (auto& next : asyncio::as_completed(std::move(work))) {
    try {
      digests.push_back(co_await next);
    } catch (const asyncio::RuntimeError& error) {
      fmt::print(stderr, "{}\n", error.what());
      ++failures;
    }
  }
  ticker.cancel();
  co_return failures;
}

int main(int argc, char** argv) {
  std::vector<std::string> paths(argv + 1, argv + argc);
  if (paths.empty()) {
    fmt::print("usage: parallel_hash FILE... | --self-test\n");
    return EXIT_SUCCESS;
  }
  const bool test = paths[0] == "--self-test";
  if (test) {
    paths.assign(8, "/proc/self/exe");
    paths.push_back("/no/such/file");
  }
  std::vector<Digest> digests;
  const int failures = asyncio::run(hash_all(paths, digests));
  if (test) {
    const Digest alone = hash_file(paths[0]);
    bool good = failures == 1 && digests.size() == 8;
    for (const Digest& digest : digests) good = good && digest.hash == alone.hash;
    fmt::print("8 files in parallel: {}\n", good ? "the same hashes" : "DIFFERENT HASHES");
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
  }
  for (const Digest& digest : digests) {
    fmt::print("{:016x}  {:>12} bytes  {}\n", digest.hash, digest.bytes, digest.path);
  }
  return failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
