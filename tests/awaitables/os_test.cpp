#include <filesystem>

#include "tests/awaitables/everywhere.hpp"

namespace asyncio {
namespace {

using tests::everywhere;

TEST(Everywhere, processes) {
  run([]() -> Coro<> {
    co_await everywhere([] { return create_subprocess_exec({"true"}); });
    co_await everywhere([] { return create_subprocess_shell("exit 0", {.out = DEVNULL}); });
    Process child = co_await create_subprocess_exec({"true"});
    co_await everywhere([&] { return child.wait(); });
    co_await everywhere([&] { return child.communicate(); });
  }());
}

TEST(Everywhere, files) {
  run([]() -> Coro<> {
    const std::string path =
        (std::filesystem::temp_directory_path() / "asyncio-everywhere").string();
    co_await everywhere([&] { return write_file(path, "data"); });
    co_await everywhere([&] { return read_file(path); });
    co_await everywhere([&] { return open_file(path); });
    File file = co_await open_file(path, "r+");
    co_await everywhere([&]() -> Coro<> { co_await file.seek(0); });
    std::filesystem::remove(path);
  }());
}

}  // namespace
}  // namespace asyncio
