#include "asyncio/http/internal/paths.hpp"

#include <algorithm>

#include "asyncio/http/internal/chars.hpp"

namespace asyncio::detail {

std::optional<std::string> safe_join(std::string_view root, std::string_view target) {
  std::string_view rest = target.substr(0, target.find_first_of("?#"));
  if (!rest.starts_with('/')) return std::nullopt;
  while (root.ends_with('/')) root.remove_suffix(1);
  std::string path(root);
  while (!rest.empty()) {
    rest.remove_prefix(1);  // The slash before the segment.
    const std::size_t end = std::min(rest.find('/'), rest.size());
    const auto name = percent_decode(rest.substr(0, end));
    rest.remove_prefix(end);
    if (!name || *name == "..") return std::nullopt;
    if (std::any_of(name->begin(), name->end(), [](char c) {
          return c == '/' || c == '\\' || static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
        })) {
      return std::nullopt;
    }
    // Empty segments and "." mean the folder itself; at the end they leave the slash.
    if (name->empty() || *name == ".") {
      if (rest.empty()) path += '/';
      continue;
    }
    path.append("/").append(*name);
  }
  return path;
}

}  // namespace asyncio::detail
