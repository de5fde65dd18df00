// random_program.hpp: the language of the random programs, as random/program.py has it: an
// operation is (name value... [body]...), and a body is a list of operations.
#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace parity::random {

struct Operation;
using Body = std::vector<Operation>;

struct Operation {
  std::string name;
  int number = 0;  // its place in the text
  std::vector<int> values;
  std::vector<Body> bodies;
};

// The operations of the main body. Throws std::invalid_argument where the text is cut off.
Body parse(std::string_view text);
// Prints the trace of the program in a file. Throws std::runtime_error where it cannot be read.
void run_file(const std::string& name);

}  // namespace parity::random
