#include "asyncio/debug/flame.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <unordered_map>
#include <utility>

namespace asyncio::debug {
namespace {

using Path = std::vector<std::string>;

void add(FlameNode& root, const Path& path, std::int64_t ns) {
  FlameNode* node = &root;
  node->total_ns += ns;
  for (const std::string& name : path) {
    auto found = std::find_if(node->callees.begin(), node->callees.end(),
                              [&](const FlameNode& callee) { return callee.name == name; });
    if (found == node->callees.end()) {
      node->callees.push_back({name, 0, {}});
      found = std::prev(node->callees.end());
    }
    node = &*found;
    node->total_ns += ns;
  }
}

void sort_by_name(FlameNode& node) {
  std::sort(node.callees.begin(), node.callees.end(),
            [](const FlameNode& a, const FlameNode& b) { return a.name < b.name; });
  for (FlameNode& callee : node.callees) sort_by_name(callee);
}

class Collector {
 public:
  Collector(const TraceLoop& loop, Flames& flames) : loop_(loop), flames_(flames) {}

  void collect() {
    for (const TraceStep& step : loop_.steps) {
      if (step.task == 0) {
        add(flames_.running, {loop_.label(step.label)}, step.duration);
        continue;
      }
      const auto [found, is_new] = tasks_.try_emplace(step.task);
      State& state = found->second;
      if (is_new) state.stack = first_stack(step.task);
      if (state.waits_since != 0)
        add(flames_.waiting, waiting_path(step.task, state), step.start - state.waits_since);
      add(flames_.running, path(step.task, state.stack), step.duration);
      state = {step.stack, step.label, step.start + step.duration};
      if (step.is_last) tasks_.erase(found);
    }
  }

 private:
  struct State {
    std::uint32_t stack = 0;
    std::uint16_t label = 0;
    std::int64_t waits_since = 0;
  };

  std::uint32_t first_stack(std::uint32_t task) const {
    const auto found = loop_.tasks.find(task);
    return found == loop_.tasks.end() ? 0 : found->second.stack;
  }

  // The awaiters first, outermost first.
  Path path(std::uint32_t task, std::uint32_t stack, int depth = 0) const {
    constexpr int kMostAwaiters = 50;
    Path names;
    const auto found = loop_.tasks.find(task);
    if (found != loop_.tasks.end() && found->second.awaiter != 0 && depth < kMostAwaiters) {
      const std::uint32_t awaiter = found->second.awaiter;
      const auto state = tasks_.find(awaiter);
      names = path(awaiter, state == tasks_.end() ? first_stack(awaiter) : state->second.stack,
                   depth + 1);
    }
    for (const TracePlace* place : loop_.frames(stack)) names.push_back(place->function);
    return names;
  }

  Path waiting_path(std::uint32_t task, const State& state) const {
    Path names = path(task, state.stack);
    names.push_back(state.label != 0 ? loop_.label(state.label) : "ready");
    return names;
  }

  const TraceLoop& loop_;
  Flames& flames_;
  std::unordered_map<std::uint32_t, State> tasks_;
};

// ---- the picture

constexpr double kWidth = 1200;
constexpr double kRow = 17;
constexpr double kMargin = 10;
constexpr double kNarrowest = 0.4;  // what is narrower is left out
constexpr double kLetter = 6.6;     // the width of one, about

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '&')
      out += "&amp;";
    else if (c == '<')
      out += "&lt;";
    else if (c == '>')
      out += "&gt;";
    else if (static_cast<unsigned char>(c) >= 0x20)
      out += c;
  }
  return out;
}

std::size_t depth_of(const FlameNode& node) {
  std::size_t depth = 0;
  for (const FlameNode& callee : node.callees) depth = std::max(depth, depth_of(callee));
  return depth + 1;
}

std::string time_text(std::int64_t ns) {
  if (ns >= 1'000'000'000) return fmt::format("{:.3f} s", static_cast<double>(ns) / 1e9);
  if (ns >= 1'000'000) return fmt::format("{:.3f} ms", static_cast<double>(ns) / 1e6);
  return fmt::format("{:.3f} us", static_cast<double>(ns) / 1e3);
}

// Red to yellow for what runs, blue to green for what waits; the same name, the same colour.
std::string colour_of(const std::string& name, bool is_running) {
  unsigned hash = 2166136261;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619;
  return fmt::format("hsl({},{}%,{}%)", is_running ? 10 + hash % 45 : 170 + hash % 60,
                     is_running ? 85 : 45, 62 + hash / 64 % 12);
}

class Picture {
 public:
  Picture(const FlameNode& root, bool is_running)
      : total_(std::max<std::int64_t>(root.total_ns, 1)), is_running_(is_running) {}

  // `bottom`: of the row of this node.
  void draw(const FlameNode& node, double left, double bottom) {
    const double width =
        static_cast<double>(node.total_ns) / static_cast<double>(total_) * (kWidth - 2 * kMargin);
    if (width < kNarrowest) return;
    const std::string name = escaped(node.name);
    svg += fmt::format(
        "<g><title>{}: {}, {:.1f} %</title><rect x=\"{:.1f}\" y=\"{:.0f}\" width=\"{:.1f}\" "
        "height=\"{:.0f}\" rx=\"1\" fill=\"{}\"/>",
        name, time_text(node.total_ns),
        100 * static_cast<double>(node.total_ns) / static_cast<double>(total_), left,
        bottom - kRow + 1, std::max(width - 0.5, 0.3), kRow - 1, colour_of(name, is_running_));
    const auto letters = static_cast<std::size_t>(width / kLetter);
    if (letters >= 3) {
      std::string shown = node.name;
      if (shown.size() > letters) shown = shown.substr(0, letters - 2) + "..";
      svg += fmt::format("<text x=\"{:.1f}\" y=\"{:.0f}\">{}</text>", left + 3, bottom - 4.5,
                         escaped(shown));
    }
    svg += "</g>\n";
    for (const FlameNode& callee : node.callees) {
      draw(callee, left, bottom - kRow);
      left += static_cast<double>(callee.total_ns) / static_cast<double>(total_) *
              (kWidth - 2 * kMargin);
    }
  }

  std::string svg;

 private:
  std::int64_t total_;
  bool is_running_;
};

}  // namespace

Flames flames_of(const Trace& trace) {
  Flames flames{{"running", 0, {}}, {"waiting", 0, {}}};
  for (const TraceLoop& loop : trace.loops) Collector(loop, flames).collect();
  sort_by_name(flames.running);
  sort_by_name(flames.waiting);
  return flames;
}

std::string flame_svg(const Flames& flames, const std::string& title) {
  const double first = 60 + static_cast<double>(depth_of(flames.running)) * kRow;
  const double second = first + 40 + static_cast<double>(depth_of(flames.waiting)) * kRow;
  std::string svg = fmt::format(
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\" "
      "width=\"{0:.0f}\" height=\"{1:.0f}\" viewBox=\"0 0 {0:.0f} {1:.0f}\" "
      "font-family=\"monospace\" font-size=\"11\">\n"
      "<rect width=\"100%\" height=\"100%\" fill=\"#fffefa\"/>\n"
      "<text x=\"10\" y=\"22\" font-size=\"15\">{2}</text>\n",
      kWidth, second + 20, escaped(title));
  const auto section = [&](const FlameNode& root, bool is_running, double bottom,
                           const std::string& heading) {
    svg += fmt::format("<text x=\"10\" y=\"{:.0f}\" font-size=\"13\">{}</text>\n",
                       bottom - static_cast<double>(depth_of(root)) * kRow - 8, heading);
    Picture picture(root, is_running);
    picture.draw(root, kMargin, bottom);
    svg += picture.svg;
  };
  section(flames.running, true, first,
          "running: " + time_text(flames.running.total_ns) + " in steps, by where they resumed");
  section(flames.waiting, false, second,
          "waiting: " + time_text(flames.waiting.total_ns) + ", all tasks together");
  return svg + "</svg>\n";
}

}  // namespace asyncio::debug
