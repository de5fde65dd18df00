// The small readers of HTTP: dates, paths of static files, types, names and values of headers.
#include <string>

#include "asyncio/base/errors.hpp"
#include "asyncio/http/headers.hpp"
#include "asyncio/http/internal/chars.hpp"
#include "asyncio/http/internal/dates.hpp"
#include "asyncio/http/internal/mime.hpp"
#include "asyncio/http/internal/paths.hpp"
#include "asyncio/http/internal/serialize.hpp"
#include "tests/fuzz/fuzz.hpp"

namespace {

using namespace asyncio::detail;
using asyncio::fuzz::require;

void try_date(std::string_view input) {
  const auto time = parse_http_date(input);
  if (!time) return;
  require(parse_http_date(format_http_date(*time)) == time, "a date survives being written");
}

void try_path(std::string_view input) {
  const auto path = safe_join("/root", input);
  if (!path) return;
  require(path->starts_with("/root"), "a file lies below the root");
  require((*path + "/").find("/../") == path->npos, "a path never goes up");
  require(path->find('\0') == path->npos, "a path holds no NUL");
}

void try_header(std::string_view input) {
  const std::size_t middle = std::min(input.find(':'), input.size());
  const std::string_view name = input.substr(0, middle);
  const std::string_view value = input.substr(std::min(middle + 1, input.size()));
  asyncio::http::Headers headers;
  try {
    headers.add(name, value);
    headers.set(name, value);
  } catch (const asyncio::ValueError&) {
    return;
  }
  std::string head;
  append_response_head(head, 200, "", headers);
  std::size_t lines = 0;
  for (const char c : head) lines += c == '\n' ? 1 : 0;
  require(lines == 3 && head.find('\r') != head.npos, "a header is one line");
}

}  // namespace

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view input = asyncio::fuzz::text(data, size);
  try_date(input);
  try_path(input);
  try_header(input);
  require(!mime_type(input).empty(), "every file has a type");
  if (const auto decoded = percent_decode(input)) {
    require(decoded->size() <= input.size(), "decoding makes nothing longer");
  }
  return 0;
}
