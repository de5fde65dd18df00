#include "apps/harvest/page.hpp"

#include <algorithm>
#include <cctype>
#include <unordered_set>

#include "asyncio/html/document.hpp"

namespace harvest {
namespace {

std::string lower(std::string_view text) {
  std::string small(text);
  for (char& c : small) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return small;
}

// Whether the words of a list (separated by blanks or commas) hold this one.
bool has_word(std::string_view list, std::string_view word) {
  const std::string small = lower(list);
  for (std::size_t at = small.find(word); at != std::string::npos; at = small.find(word, at + 1)) {
    const auto is_end = [](char c) { return c == ' ' || c == ',' || c == '\t' || c == '\n'; };
    const std::size_t end = at + word.size();
    if ((at == 0 || is_end(small[at - 1])) && (end == small.size() || is_end(small[end])))
      return true;
  }
  return false;
}

}  // namespace

Contents analyse(std::string_view html, std::string_view charset, const Url& url, bool follow_all) {
  const auto document = asyncio::html::Document::parse(html, charset);
  Contents contents;
  contents.title = document.title();
  if (!follow_all && has_word(document.meta("robots").value_or(""), "nofollow")) return contents;

  const Url base = url.resolve_link(document.base_href()).value_or(url);
  std::unordered_set<std::string> seen;
  for (const asyncio::html::Link& link : document.links()) {
    if (!follow_all && has_word(link.rel, "nofollow")) continue;
    const auto target = base.resolve_link(link.href);
    if (!target) continue;
    Url page = target->without_fragment();
    if (seen.insert(page.str()).second) contents.links.push_back(std::move(page));
  }
  return contents;
}

bool is_html(std::string_view content_type) {
  const std::string type = lower(content_type.substr(0, content_type.find(';')));
  return type.starts_with("text/html") || type.starts_with("application/xhtml+xml");
}

std::string_view charset_of(std::string_view content_type) {
  const std::size_t at = lower(content_type).find("charset=");
  if (at == std::string::npos) return {};
  std::string_view value = content_type.substr(at + 8);
  value = value.substr(0, value.find(';'));
  const std::size_t first = value.find_first_not_of(" \"'");
  if (first == std::string_view::npos) return {};
  const std::size_t last = value.find_last_not_of(" \"'");
  return value.substr(first, last - first + 1);
}

}  // namespace harvest
