#include "random_program.hpp"

#include <cctype>
#include <stdexcept>

namespace parity::random {
namespace {

class Parser {
 public:
  explicit Parser(std::string_view text) : rest_(text) {}

  Body body(std::string_view end) {
    Body operations;
    for (std::string_view token = next(); token != end; token = next()) {
      if (token != "(") throw std::invalid_argument("an operation begins with (");
      operations.push_back(operation());
    }
    return operations;
  }

 private:
  Operation operation() {
    Operation parsed;
    parsed.name = next();
    parsed.number = counter_++;
    for (std::string_view token = next(); token != ")"; token = next()) {
      if (token == "[")
        parsed.bodies.push_back(body("]"));
      else
        parsed.values.push_back(std::stoi(std::string(token)));
    }
    return parsed;
  }

  // Empty at the end of the text, which only the main body may meet.
  std::string_view next() {
    while (!rest_.empty() && std::isspace(static_cast<unsigned char>(rest_.front())) != 0)
      rest_.remove_prefix(1);
    if (rest_.empty()) {
      if (ended_) throw std::invalid_argument("the program is cut off");
      ended_ = true;
      return {};
    }
    constexpr std::string_view kBrackets = "()[]";
    std::size_t size = 1;
    if (kBrackets.find(rest_.front()) == kBrackets.npos)
      size = std::min(rest_.find_first_of("()[] \n\t"), rest_.size());
    const std::string_view token = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return token;
  }

  std::string_view rest_;
  int counter_ = 0;
  bool ended_ = false;
};

}  // namespace

Body parse(std::string_view text) { return Parser(text).body({}); }

}  // namespace parity::random
