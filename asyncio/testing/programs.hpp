// programs.hpp: FakePrograms, stand-ins for the programs that a test starts as subprocesses.
//
//   #include <asyncio/testing/programs.hpp>
//   testing::FakePrograms programs;
//   programs.add("git", {.out = "main\n"});
//   EXPECT_EQ(co_await current_branch(), "main");           // runs `git`, wherever that looks for
//   it EXPECT_EQ(programs.calls("git").at(0).at(0), "branch");
#pragma once
#include <string>
#include <vector>

namespace asyncio::testing {

struct FakeProgram {
  std::string out = {}, err = {};  // what it writes
  int returncode = 0;              // -N: signal N ends it
  bool reads_input = false;        // to the end, before it writes
  bool echoes_input = false;       // writes it to stdout, after `out`
  bool hangs = false;              // then, until a signal ends it
};

// Programs that stand first in PATH, as long as it lives; real processes, so that pipes, signals
// and exit codes are real, too. A program that is named by a path is not replaced.
//
// Threads:  changes the environment: no other thread may look at it meanwhile.
// Lifetime: the last one made goes first.
class FakePrograms {
 public:
  // Throws OSError where the temporary folder cannot be made.
  FakePrograms();
  FakePrograms(const FakePrograms&) = delete;
  FakePrograms& operator=(const FakePrograms&) = delete;
  ~FakePrograms();

  // Adds one, or changes it. Throws ValueError for a name that is a path.
  void add(const std::string& name, const FakeProgram& program = {});
  // The arguments of each start so far, without the name.
  std::vector<std::vector<std::string>> calls(const std::string& name) const;

 private:
  std::string folder_;
  std::string path_before_;
};

}  // namespace asyncio::testing
