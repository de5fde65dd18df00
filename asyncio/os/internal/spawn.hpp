// spawn.hpp: starting a program, and nothing of what comes after. posix_spawn(3) shares the memory
// with the child until it has become the program (as vfork does, with the signals blocked and a
// stack of its own), so neither threads nor memory are copied, and it reports what exec said.
#pragma once
#include <sys/types.h>

#include <string>
#include <vector>

namespace asyncio {
struct ProcessOptions;
}

namespace asyncio::detail {

// What the child has as 0, 1 and 2: an fd of ours, or one of these.
inline constexpr int kInherit = -1;
inline constexpr int kDevNull = -2;
inline constexpr int kSameAsOut = -3;  // for 2

// The child begins with default actions for the signals that are caught here and for SIGPIPE,
// with no signal blocked, and with no fd beyond 2 but options.pass_fds.
// Throws FileNotFoundError, PermissionError and their like with the program's name, or that of the
// directory where it is to run.
pid_t spawn(const std::vector<std::string>& argv, const ProcessOptions& options,
            const int (&stdio)[3]);

// The file that `program` stands for: itself where it has a slash, else found along PATH, of the
// child's environment where it is given one. Throws as spawn() does.
std::string find_program(const std::string& program, const ProcessOptions& options);

}  // namespace asyncio::detail
