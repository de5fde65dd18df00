#include "asyncio/http/internal/mime.hpp"

#include <algorithm>
#include <array>

#include "asyncio/http/internal/chars.hpp"

namespace asyncio::detail {

namespace {

struct Type {
  std::string_view extension;
  std::string_view name;
};

// Sorted by extension.
constexpr std::array kTypes = {
    Type{"avif", "image/avif"},
    Type{"bmp", "image/bmp"},
    Type{"css", "text/css; charset=utf-8"},
    Type{"csv", "text/csv; charset=utf-8"},
    Type{"gif", "image/gif"},
    Type{"gz", "application/gzip"},
    Type{"htm", "text/html; charset=utf-8"},
    Type{"html", "text/html; charset=utf-8"},
    Type{"ico", "image/vnd.microsoft.icon"},
    Type{"jpeg", "image/jpeg"},
    Type{"jpg", "image/jpeg"},
    Type{"js", "text/javascript; charset=utf-8"},
    Type{"json", "application/json"},
    Type{"map", "application/json"},
    Type{"md", "text/markdown; charset=utf-8"},
    Type{"mjs", "text/javascript; charset=utf-8"},
    Type{"mp3", "audio/mpeg"},
    Type{"mp4", "video/mp4"},
    Type{"ogg", "audio/ogg"},
    Type{"otf", "font/otf"},
    Type{"pdf", "application/pdf"},
    Type{"png", "image/png"},
    Type{"svg", "image/svg+xml"},
    Type{"tar", "application/x-tar"},
    Type{"ttf", "font/ttf"},
    Type{"txt", "text/plain; charset=utf-8"},
    Type{"wasm", "application/wasm"},
    Type{"wav", "audio/wav"},
    Type{"webm", "video/webm"},
    Type{"webmanifest", "application/manifest+json"},
    Type{"webp", "image/webp"},
    Type{"woff", "font/woff"},
    Type{"woff2", "font/woff2"},
    Type{"xhtml", "application/xhtml+xml"},
    Type{"xml", "application/xml"},
    Type{"zip", "application/zip"},
};
static_assert(std::is_sorted(kTypes.begin(), kTypes.end(), [](const Type& a, const Type& b) {
  return a.extension < b.extension;
}));

constexpr std::size_t kLongestExtension = 16;

}  // namespace

std::string_view mime_type(std::string_view path) noexcept {
  constexpr std::string_view kUnknown = "application/octet-stream";
  const std::string_view name = path.substr(path.rfind('/') + 1);
  const std::size_t dot = name.rfind('.');
  if (dot == std::string_view::npos || name.size() - dot > kLongestExtension) return kUnknown;
  std::array<char, kLongestExtension> buffer{};
  const auto end = std::transform(name.begin() + static_cast<std::ptrdiff_t>(dot) + 1, name.end(),
                                  buffer.begin(), to_lower);
  const std::string_view extension(buffer.data(), static_cast<std::size_t>(end - buffer.begin()));
  const auto found =
      std::lower_bound(kTypes.begin(), kTypes.end(), extension,
                       [](const Type& type, std::string_view key) { return type.extension < key; });
  return found != kTypes.end() && found->extension == extension ? found->name : kUnknown;
}

}  // namespace asyncio::detail
