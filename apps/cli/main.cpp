// The `asyncio` command. Each subcommand adds itself to the parser and returns its exit code:
// 0 done, 1 it could not be done (the reason is on stderr), 2 wrong arguments.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <string>
#include <vector>

#include "apps/cli/commands.hpp"
#include "asyncio/base/config.hpp"

int main(int argc, char** argv) {
  CLI::App app("Runs programs that use asyncio for C++, and looks into them while they run.",
               "asyncio");
  app.set_version_flag("--version", "asyncio " ASYNCIO_VERSION);
  app.require_subcommand(1);
  int result = 0;
  cli::add_ps(app, result);
  cli::add_top(app, result);
  const std::vector<std::string> arguments = cli::take_program_arguments(argc, argv);
  cli::add_trace(app, result, arguments);
  cli::add_run(app, result, arguments);
  cli::add_new(app, result);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "asyncio: %s\n", error.what());
    return 1;
  }
  return result;
}
