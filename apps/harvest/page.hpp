// page.hpp: Page, what became of one URL, and analyse(), what stands in an HTML page.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "asyncio/base/clock.hpp"
#include "asyncio/http/url.hpp"

namespace harvest {

using asyncio::http::Url;

struct Page {
  Url url;
  int depth = 0;
  int status = 0;  // 0 where there was no answer.
  std::string title = {};
  std::string content_type = {};
  std::uint64_t bytes = 0;
  std::size_t links = 0;    // Distinct pages that it links to.
  double milliseconds = 0;  // Of the last attempt.
  int attempts = 1;
  asyncio::Duration pause_asked{};  // By Retry-After.
  std::string redirected_to = {};
  // A word ("timeout") and a sentence; both empty where all went well. An HTTP status is no error.
  std::string error_kind = {};
  std::string error = {};
  std::vector<Url> found = {};       // Where its links lead.
  std::vector<Url> discovered = {};  // Those that nobody had seen before and are to be fetched.

  bool has_answer() const noexcept { return status != 0; }
};

struct Contents {
  std::string title;
  std::vector<Url> links;  // Distinct, without fragments, in order.
};

// Links that rel="nofollow" or <meta name="robots"> marks are left out unless `follow_all`.
Contents analyse(std::string_view html, std::string_view charset, const Url& url, bool follow_all);

bool is_html(std::string_view content_type);
std::string_view charset_of(std::string_view content_type);  // Empty where none is said.

}  // namespace harvest
