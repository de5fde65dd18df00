#include "asyncio/base/function_name.hpp"

namespace asyncio::detail {
namespace {

// Where the bracket that ends at `end` begins; npos where it never does.
std::size_t opening(std::string_view name, std::size_t end, char open, char close) {
  std::size_t depth = 0;
  for (std::size_t i = end; i-- > 0;) {
    if (name[i] == close) ++depth;
    if (name[i] == open && depth > 0 && --depth == 0) return i;
  }
  return std::string_view::npos;
}

// Takes the last part of a::b::c off, without its template arguments.
std::string_view take_last(std::string_view& name) {
  std::string_view part = name;
  if (!part.empty() && part.back() == '>') {
    const std::size_t open = opening(part, part.size(), '<', '>');
    if (open != part.npos) part = part.substr(0, open);
  }
  const std::size_t begin = part.find_last_of(" *&:");
  const bool is_scoped = begin != part.npos && part[begin] == ':';
  name = is_scoped ? part.substr(0, begin - (begin > 0 ? 1 : 0)) : std::string_view();
  return begin == part.npos ? part : part.substr(begin + 1);
}

}  // namespace

std::string short_function_name(std::string_view pretty) {
  std::string_view name =
      pretty.substr(0, pretty.find(" ["));  // what template parameters stand for
  // The parameter list is the last (...), whatever qualifiers follow it.
  const std::size_t parameters = opening(name, name.size(), '(', ')');
  if (parameters != name.npos && parameters > 0) name = name.substr(0, parameters);
  if (name.ends_with("operator()")) return "<lambda>";
  const std::string_view last = take_last(name);
  const std::string_view scope = take_last(name);
  if (scope.empty() || scope.front() < 'A' || scope.front() > 'Z') return std::string(last);
  return std::string(scope) + "::" + std::string(last);
}

}  // namespace asyncio::detail
