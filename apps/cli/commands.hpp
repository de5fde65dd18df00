// commands.hpp: the subcommands of `asyncio`. Each add_x() adds one or two to the parser; the exit
// code of the one that runs goes to `result`.
#pragma once

namespace CLI {
class App;
}

namespace cli {

void add_ps(CLI::App& app, int& result);  // ps and pstree

}  // namespace cli
