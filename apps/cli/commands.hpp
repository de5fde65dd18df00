// commands.hpp: the subcommands of `asyncio`. Each add_x() adds one or two to the parser; the exit
// code of the one that runs goes to `result`.
#pragma once
#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace cli {

void add_new(CLI::App& app, int& result);
void add_ps(CLI::App& app, int& result);  // ps and pstree
void add_run(CLI::App& app, int& result, std::vector<std::string> arguments);
void add_top(CLI::App& app, int& result);
void add_trace(CLI::App& app, int& result, std::vector<std::string> arguments);
// What stands behind the FILE of `asyncio run` and the COMMAND of `asyncio trace`: it is for the
// program, so the parser must not see it. Shortens argc.
std::vector<std::string> take_program_arguments(int& argc, char** argv);

}  // namespace cli
