#include "asyncio/http/robots.hpp"

#include <algorithm>
#include <charconv>

#include "asyncio/http/internal/chars.hpp"

namespace asyncio::http {

namespace {

using std::chrono::milliseconds;

constexpr std::size_t kMaxRules = 50'000;          // Of all groups together.
constexpr milliseconds kLongestDelay{86'400'000};  // A day: more is "do not come".

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), detail::to_lower);
  return out;
}

// The same path in the same bytes (RFC 9309 section 2.2.2): what need not be encoded is decoded,
// bytes above ASCII are encoded, capital digits elsewhere. An encoded reserved character keeps its
// difference from a plain one.
std::string normal_path(std::string_view path) {
  std::string out;
  out.reserve(path.size());
  for (std::size_t i = 0; i < path.size(); ++i) {
    char c = path[i];
    const bool is_escape = c == '%' && i + 2 < path.size() && detail::hex_value(path[i + 1]) >= 0 &&
                           detail::hex_value(path[i + 2]) >= 0;
    if (is_escape) {
      c = static_cast<char>(detail::hex_value(path[i + 1]) * 16 + detail::hex_value(path[i + 2]));
      i += 2;
    }
    const bool is_unreserved = detail::is_alpha(c) || detail::is_digit(c) ||
                               std::string_view("-._~").find(c) != std::string_view::npos;
    const bool is_above_ascii = static_cast<unsigned char>(c) >= 0x80;
    if (is_above_ascii || (is_escape && !is_unreserved)) {
      detail::append_percent(out, c);
    } else {
      out += c;
    }
  }
  return out;
}

// Whether the pattern matches a prefix of the path; with "$" at its end, the whole path. Each "*"
// takes the first place where what follows it fits, so the time is the product of the lengths at
// worst, never exponential.
bool matches(std::string_view pattern, std::string_view path) {
  const bool is_anchored = pattern.ends_with('$');
  if (is_anchored) pattern.remove_suffix(1);
  const std::size_t first_star = pattern.find('*');
  const std::string_view head = pattern.substr(0, first_star);
  if (!path.starts_with(head)) return false;
  if (first_star == std::string_view::npos) return !is_anchored || path.size() == head.size();
  path.remove_prefix(head.size());
  pattern.remove_prefix(first_star + 1);
  for (;;) {
    const std::size_t star = pattern.find('*');
    const std::string_view piece = pattern.substr(0, star);
    if (star == std::string_view::npos) {
      return is_anchored ? path.ends_with(piece) : path.find(piece) != std::string_view::npos;
    }
    const std::size_t at = path.find(piece);
    if (at == std::string_view::npos) return false;
    path.remove_prefix(at + piece.size());
    pattern.remove_prefix(star + 1);
  }
}

// "10", "0.5"; nullopt for what is no number.
std::optional<milliseconds> parse_delay(std::string_view text) {
  double seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  if (!(seconds >= 0)) return std::nullopt;
  const double longest = static_cast<double>(kLongestDelay.count());
  return milliseconds(static_cast<milliseconds::rep>(std::min(seconds * 1000, longest)));
}

}  // namespace

// Reads line by line. A run of User-agent lines begins a group; the first other rule ends the run.
class Robots::Reader {
 public:
  explicit Reader(Robots& robots) : robots_(robots) {}

  void line(std::string_view text) {
    text = text.substr(0, text.find('#'));
    const std::size_t colon = text.find(':');
    if (colon == std::string_view::npos) return;
    const std::string_view key = detail::trim(text.substr(0, colon));
    const std::string_view value = detail::trim(text.substr(colon + 1));
    if (detail::iequals(key, "User-agent")) {
      agent(value);
    } else if (detail::iequals(key, "Allow") || detail::iequals(key, "Disallow")) {
      rule(value, detail::iequals(key, "Allow"));
    } else if (detail::iequals(key, "Crawl-delay")) {
      is_in_agents_ = false;
      if (is_in_group_) robots_.groups_.back().delay = parse_delay(value);
    } else if (detail::iequals(key, "Sitemap") && !value.empty()) {
      robots_.sitemaps_.emplace_back(value);  // Belongs to no group, so it ends none.
    }
  }

 private:
  void agent(std::string_view value) {
    if (!is_in_agents_) robots_.groups_.emplace_back();
    is_in_agents_ = is_in_group_ = true;
    // "harvest/1.0 (comment)" means harvest: the token ends where no token character stands.
    const auto end = std::find_if_not(value.begin(), value.end(), [](char c) {
      return detail::is_alpha(c) || detail::is_digit(c) || c == '_' || c == '-' || c == '*';
    });
    robots_.groups_.back().agents.push_back(
        lower(value.substr(0, static_cast<std::size_t>(end - value.begin()))));
  }

  void rule(std::string_view pattern, bool allow) {
    is_in_agents_ = false;
    // A rule without a path says nothing: "Disallow:" allows everything.
    if (!is_in_group_ || pattern.empty() || rules_ >= kMaxRules) return;
    ++rules_;
    robots_.groups_.back().rules.push_back({normal_path(pattern), allow});
  }

  Robots& robots_;
  std::size_t rules_ = 0;
  bool is_in_agents_ = false;
  bool is_in_group_ = false;
};

Robots Robots::parse(std::string_view text) {
  Robots robots;
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  text = text.substr(0, kMaxSize);
  Reader reader(robots);
  while (!text.empty()) {
    const std::size_t end = std::min(text.find_first_of("\r\n"), text.size());
    reader.line(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return robots;
}

Robots Robots::deny_all() { return parse("User-agent: *\nDisallow: /"); }

// All groups that name the crawler are one (RFC 9309 section 2.2.1).
std::vector<const Robots::Group*> Robots::groups_for(std::string_view agent) const {
  const std::string name = lower(agent);
  for (const std::string& wanted : {name, std::string("*")}) {
    std::vector<const Group*> found;
    for (const Group& group : groups_) {
      const auto& agents = group.agents;
      if (std::find(agents.begin(), agents.end(), wanted) != agents.end()) found.push_back(&group);
    }
    if (!found.empty()) return found;
  }
  return {};
}

bool Robots::is_allowed(std::string_view agent, std::string_view target) const {
  const std::string path = normal_path(target.substr(0, target.find('#')));
  if (path == "/robots.txt") return true;
  std::size_t longest = 0;
  bool allowed = true;
  for (const Group* group : groups_for(agent)) {
    for (const Rule& rule : group->rules) {
      const std::size_t size = rule.pattern.size();
      if (size < longest || (size == longest && !rule.allow)) continue;
      if (!matches(rule.pattern, path)) continue;
      longest = size;
      allowed = rule.allow;
    }
  }
  return allowed;
}

std::optional<milliseconds> Robots::crawl_delay(std::string_view agent) const {
  std::optional<milliseconds> longest;
  for (const Group* group : groups_for(agent)) {
    if (group->delay && (!longest || *group->delay > *longest)) longest = group->delay;
  }
  return longest;
}

}  // namespace asyncio::http
