#include "apps/harvest/summary.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "asyncio/base/json_text.hpp"

namespace harvest {

void Summary::add(const Page& page) {
  ++pages_;
  bytes_ += page.bytes;
  links_ += page.links;
  retries_ += static_cast<std::size_t>(std::max(0, page.attempts - 1));
  if (is_html(page.content_type)) ++html_;
  if (!page.error_kind.empty()) ++errors_[page.error_kind];
  if (!page.has_answer()) {
    ++failed_;
    return;
  }
  ++statuses_[page.status];
  times_.push_back(page.milliseconds);
  is_sorted_ = false;
}

double Summary::percentile(double percent) const {
  if (times_.empty()) return 0;
  if (!is_sorted_) std::sort(times_.begin(), times_.end());
  is_sorted_ = true;
  const double rank = std::ceil(percent / 100 * static_cast<double>(times_.size()));
  const auto place = static_cast<std::size_t>(std::max(1.0, rank)) - 1;
  return times_[std::min(place, times_.size() - 1)];
}

std::string Summary::text(double seconds, std::size_t waiting) const {
  const double safe = std::max(seconds, 1e-6);
  std::string out = fmt::format("{} pages in {}: {:.0f} pages/s, {} ({}/s), {} links\n", pages_,
                                human_time(seconds), static_cast<double>(pages_) / safe,
                                human_bytes(static_cast<double>(bytes_)),
                                human_bytes(static_cast<double>(bytes_) / safe), links_);
  out += "  answers";
  if (statuses_.empty()) out += "  none";
  for (const auto& [status, count] : statuses_) out += fmt::format("  {} x {}", count, status);
  out += fmt::format("  ({} HTML)\n", html_);
  if (!errors_.empty()) {
    out += "  errors ";
    for (const auto& [kind, count] : errors_) out += fmt::format("  {} x {}", count, kind);
    out += "\n";
  }
  if (!times_.empty())
    out += fmt::format("  times    p50 {}  p90 {}  p99 {}  max {}\n",
                       human_time(percentile(50) / 1e3), human_time(percentile(90) / 1e3),
                       human_time(percentile(99) / 1e3), human_time(percentile(100) / 1e3));
  if (retries_ != 0) out += fmt::format("  retries  {}\n", retries_);
  if (waiting != 0) out += fmt::format("  waiting  {} pages for the next start\n", waiting);
  return out;
}

std::string Summary::json(double seconds, std::size_t waiting) const {
  std::string statuses;
  for (const auto& [status, count] : statuses_)
    statuses += fmt::format("{}\"{}\": {}", statuses.empty() ? "" : ", ", status, count);
  std::string errors;
  for (const auto& [kind, count] : errors_)
    errors +=
        fmt::format("{}{}: {}", errors.empty() ? "" : ", ", asyncio::json_quoted(kind), count);
  return fmt::format(
      "{{\"summary\": {{\"pages\": {}, \"failed\": {}, \"html\": {}, \"bytes\": {}, "
      "\"links\": {}, "
      "\"seconds\": {:.3f}, \"pages_per_second\": {:.1f}, \"retries\": {}, \"waiting\": {}, "
      "\"statuses\": {{{}}}, \"errors\": {{{}}}, "
      "\"milliseconds\": {{\"p50\": {:.3f}, \"p90\": {:.3f}, \"p99\": {:.3f}, "
      "\"max\": {:.3f}}}}}}}",
      pages_, failed_, html_, bytes_, links_, seconds,
      static_cast<double>(pages_) / std::max(seconds, 1e-6), retries_, waiting, statuses, errors,
      percentile(50), percentile(90), percentile(99), percentile(100));
}

std::string human_bytes(double bytes) {
  constexpr const char* kUnits[] = {"B", "kB", "MB", "GB", "TB"};
  std::size_t unit = 0;
  while (bytes >= 999.5 && unit + 1 < std::size(kUnits)) {
    bytes /= 1000;
    ++unit;
  }
  return unit == 0 ? fmt::format("{:.0f} B", bytes) : fmt::format("{:.1f} {}", bytes, kUnits[unit]);
}

std::string human_time(double seconds) {
  if (seconds < 0.0995) return fmt::format("{:.1f} ms", seconds * 1e3);
  if (seconds < 0.9995) return fmt::format("{:.0f} ms", seconds * 1e3);
  if (seconds < 99.95) return fmt::format("{:.1f} s", seconds);
  const auto whole = static_cast<long>(std::lround(seconds));
  if (whole < 3600) return fmt::format("{}:{:02} min", whole / 60, whole % 60);
  return fmt::format("{}:{:02} h", whole / 3600, whole % 3600 / 60);
}

}  // namespace harvest
