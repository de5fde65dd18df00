// seeds.hpp: what the command line and the environment say of seeds.
#pragma once
#include <cstdint>
#include <string>

namespace asyncio::testing::internal {

// --seed=N, else ASYNCIO_TEST_SEED, else 0. Read once.
std::uint64_t seed_of_process();
// --seeds=N, else ASYNCIO_TEST_SEEDS, else 0: how many seeds the search mode tries.
std::uint64_t seeds_to_try();
// --shuffle-tasks, else ASYNCIO_TEST_SHUFFLE_TASKS other than 0.
bool shuffles_by_default();
// The program's file, as it was called.
const std::string& program_name();

}  // namespace asyncio::testing::internal
