// summary.hpp: Summary, counts and percentiles of a harvest, as text and as JSON. Pure.
#pragma once
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "apps/harvest/page.hpp"

namespace harvest {

class Summary {
 public:
  void add(const Page& page);

  std::size_t pages() const noexcept { return pages_; }
  std::size_t failed() const noexcept { return failed_; }  // Without any answer.
  std::uint64_t bytes() const noexcept { return bytes_; }
  const std::map<int, std::size_t>& statuses() const noexcept { return statuses_; }
  const std::map<std::string, std::size_t>& errors() const noexcept { return errors_; }
  // The time that `percent` of the answers did not exceed (nearest rank); 0 without answers.
  double percentile(double percent) const;

  // `seconds` the harvest took; `waiting` pages that are left for the next start.
  std::string text(double seconds, std::size_t waiting) const;
  std::string json(double seconds, std::size_t waiting) const;

 private:
  std::size_t pages_ = 0;
  std::size_t failed_ = 0;
  std::size_t html_ = 0;
  std::size_t links_ = 0;
  std::size_t retries_ = 0;
  std::uint64_t bytes_ = 0;
  std::map<int, std::size_t> statuses_;
  std::map<std::string, std::size_t> errors_;
  mutable std::vector<double> times_;  // Milliseconds; sorted by percentile().
  mutable bool is_sorted_ = true;
};

std::string human_bytes(double bytes);   // "12.3 MB"
std::string human_time(double seconds);  // "850 ms", "12.3 s", "4:05 min"

}  // namespace harvest
