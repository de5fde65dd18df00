// trace.cpp: the table of scenarios, the formatting of traces, and main().
//   parity --list      prints the ids
//   parity s001 ...    runs these, one after another
//   parity --program FILE...   runs random programs (random/)
#include "trace.hpp"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <typeinfo>

#include "random_program.hpp"

namespace parity {
namespace {

std::vector<const Scenario*>& table() {
  static std::vector<const Scenario*> scenarios;
  return scenarios;
}

// describe() gives "Type: first line\nmore"; these are its parts.
struct Described {
  std::string type;
  std::string message;
};

Described described(const std::exception_ptr& error) {
  std::string text = asyncio::describe(error);
  text = text.substr(0, text.find('\n'));
  Described result{text, ""};
  for (std::size_t at = text.find(':'); at != std::string::npos; at = text.find(':', at + 1)) {
    if (at + 1 < text.size() && text[at + 1] == ':') {  // a "::" inside the name
      ++at;
      continue;
    }
    result.type = text.substr(0, at);
    result.message = at + 2 <= text.size() ? text.substr(at + 2) : "";
    break;
  }
  const std::size_t scope = result.type.rfind("::");
  if (scope != std::string::npos) result.type.erase(0, scope + 2);
  return result;
}

const ExceptionGroup* as_group(const std::exception_ptr& error,
                               std::optional<ExceptionGroup>& room) {
  try {
    std::rethrow_exception(error);
  } catch (const ExceptionGroup& group) {
    room = group;
    return &*room;
  } catch (...) {
    return nullptr;
  }
}

}  // namespace

Scenario::Scenario(std::string_view id, void (*body)()) : id(id), body(body) {
  table().push_back(this);
}

std::string fmt(bool value) { return value ? "true" : "false"; }
std::string fmt(std::string_view text) { return std::string(text); }
std::string fmt(const CancelledError& error) { return "CancelledError(" + error.message() + ")"; }

std::string fmt(const Bytes& bytes) {
  std::string text = "\"";
  for (const char c : bytes.data) {
    if (c == '\n') {
      text += "\\n";
    } else if (c == '\r') {
      text += "\\r";
    } else if (c == '\t') {
      text += "\\t";
    } else if (c == '\\') {
      text += "\\\\";
    } else if (c < ' ' || c > '~') {
      char escaped[8];
      std::snprintf(escaped, sizeof escaped, "\\x%02x", static_cast<unsigned char>(c));
      text += escaped;
    } else {
      text += c;
    }
  }
  return text + '"';
}

std::string fmt(const std::exception_ptr& error) {
  if (!error) return "none";
  std::optional<ExceptionGroup> room;
  if (const ExceptionGroup* group = as_group(error, room)) {
    return "ExceptionGroup" + fmt(group->exceptions());
  }
  const Described parts = described(error);
  return parts.type + "(" + parts.message + ")";
}

std::string fmt(const std::exception& error) {
  // Called from handlers only, so the exception in flight is `error`.
  const std::exception_ptr current = std::current_exception();
  return current ? fmt(current) : std::string(error.what());
}

std::string type_name(const std::exception_ptr& error) {
  return error ? described(error).type : "none";
}

std::string message(const std::exception_ptr& error) {
  return error ? described(error).message : "";
}

void log_line(const std::vector<std::string>& words) {
  std::string line;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i != 0) line += ' ';
    line += words[i];
  }
  line += '\n';
  std::fwrite(line.data(), 1, line.size(), stdout);
  std::fflush(stdout);
}

asyncio::Coro<> passes(int count) {
  for (int i = 0; i < count; ++i) co_await asyncio::sleep(0s);
}

}  // namespace parity

int main(int argc, char** argv) {
  std::vector<const parity::Scenario*>& scenarios = parity::table();
  std::sort(scenarios.begin(), scenarios.end(), [](auto* a, auto* b) { return a->id < b->id; });
  if (argc < 2 || std::strcmp(argv[1], "--list") == 0) {
    for (const parity::Scenario* each : scenarios)
      std::printf("%s\n", std::string(each->id).c_str());
    return 0;
  }
  if (std::strcmp(argv[1], "--program") == 0) {
    for (int i = 2; i < argc; ++i) parity::random::run_file(argv[i]);
    return 0;
  }
  for (int i = 1; i < argc; ++i) {
    const auto found = std::find_if(scenarios.begin(), scenarios.end(),
                                    [&](auto* each) { return each->id == argv[i]; });
    if (found == scenarios.end()) {
      std::fprintf(stderr, "parity: no scenario is called %s; --list shows them\n", argv[i]);
      return 2;
    }
    (*found)->body();
  }
}
