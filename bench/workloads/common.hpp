// common.hpp: what every workload includes. Workloads use the public API only.
#pragma once

#include <chrono>
#include <utility>
#include <vector>

#include "asyncio/asyncio.hpp"
#include "bench/support/rows.hpp"

using namespace std::chrono_literals;
