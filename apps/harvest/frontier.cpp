#include "apps/harvest/frontier.hpp"

#include <utility>

namespace harvest {

bool Frontier::add(const Url& url, int depth) {
  if (limits_.depth && depth > *limits_.depth) return false;
  if (!seen_.insert(url.str()).second) return false;
  auto& host = hosts_[url.host_header()];
  if (!host) host = std::make_unique<Host>();
  host->jobs.push_back({.url = url, .depth = depth});
  ++waiting_;
  update_turn(*host);
  return true;
}

std::optional<Job> Frontier::next() {
  if (turns_.empty() || at_limit()) return std::nullopt;
  Host& host = *turns_.front();
  turns_.pop_front();
  host.has_turn = false;
  Job job = std::move(host.jobs.front());
  host.jobs.pop_front();
  ++host.running;
  --waiting_;
  ++running_;
  ++given_;
  update_turn(host);
  return job;
}

void Frontier::finished(const Job& job) {
  Host& host = *hosts_.at(job.url.host_header());
  --host.running;
  --running_;
  update_turn(host);
}

void Frontier::update_turn(Host& host) {
  if (host.has_turn || host.jobs.empty() || host.running >= limits_.per_host) return;
  host.has_turn = true;
  turns_.push_back(&host);
}

}  // namespace harvest
