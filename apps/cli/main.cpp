// The `asyncio` command. Each subcommand adds itself to the parser and returns its exit code:
// 0 done, 1 it could not be done (the reason is on stderr), 2 wrong arguments.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <string>

#include "apps/cli/commands.hpp"
#include "asyncio/base/config.hpp"

int main(int argc, char** argv) {
  CLI::App app("Looks into running programs that use asyncio for C++.", "asyncio");
  app.set_version_flag("--version", "asyncio " ASYNCIO_VERSION);
  app.require_subcommand(1);
  int result = 0;
  cli::add_ps(app, result);
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
