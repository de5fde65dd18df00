// `asyncio ps PID` and `asyncio pstree PID`.
#include <CLI/CLI.hpp>
#include <cstdio>
#include <memory>
#include <string>

#include "apps/cli/commands.hpp"
#include "apps/cli/views.hpp"

namespace cli {
namespace {

struct PsOptions {
  int pid = 0;
  bool json = false;
};

int show(const PsOptions& options, std::string (*view)(const asyncio::debug::SeenProcess&)) {
  const asyncio::debug::SeenProcess process = asyncio::debug::inspect(options.pid);
  const std::string text = options.json ? json_of(process) : view(process);
  return std::fputs(text.c_str(), stdout) < 0 || std::fflush(stdout) != 0 ? 1 : 0;
}

void add_view(CLI::App& app, int& result, const char* name, const char* help,
              std::string (*view)(const asyncio::debug::SeenProcess&)) {
  auto options = std::make_shared<PsOptions>();
  CLI::App* command = app.add_subcommand(name, help);
  command->add_option("PID", options->pid, "The process to look into")->required();
  command->add_flag("--json", options->json, "Print everything as JSON");
  command->callback([options, view, &result] { result = show(*options, view); });
}

}  // namespace

void add_ps(CLI::App& app, int& result) {
  add_view(app, result, "ps", "A table of all tasks of a process, and what each waits for",
           &table_of);
  add_view(app, result, "pstree", "The tasks of a process as a tree: who awaits whom", &tree_of);
}

}  // namespace cli
