#include "apps/harvest/fetcher.hpp"

#include <algorithm>
#include <exception>
#include <optional>
#include <thread>

#include "apps/harvest/retry.hpp"
#include "asyncio/asyncio.hpp"

namespace harvest {

using asyncio::Coro;
namespace http = asyncio::http;

namespace {

namespace ssl = asyncio::ssl;

ssl::Context context_for(const Options& options) {
  ssl::Context context =
      ssl::create_default_context(ssl::Purpose::SERVER_AUTH, {.cafile = options.ca_file});
  context.set_alpn_protocols({"http/1.1"});
  if (options.insecure) {
    context.set_check_hostname(false);
    context.set_verify_mode(ssl::CERT_NONE);
  }
  return context;
}

http::ClientOptions client_options(const Options& options) {
  http::ClientOptions client;
  client.connections_per_host = options.per_host;
  client.connect_timeout = options.timeout;
  client.timeout = options.timeout;
  client.max_body = options.max_body;
  client.user_agent = options.user_agent;
  client.ssl = context_for(options);
  return client;
}

Page failed(const Job& job, const Failure& failure) {
  Page page{.url = job.url, .depth = job.depth};
  page.error_kind = failure.kind;
  page.error = failure.sentence;
  return page;
}

}  // namespace

Fetcher::Fetcher(const Options& options, Scope& scope)
    : options_(options),
      scope_(scope),
      client_(client_options(options)),
      robots_(client_, product_token(options.user_agent)),
      parsers_(std::max(1U, std::thread::hardware_concurrency())),
      random_(std::random_device{}()) {}

Coro<> Fetcher::aclose() { co_await client_.aclose(); }

Coro<Page> Fetcher::fetch(Job job) {
  for (int number = 1;; ++number) {
    std::optional<Page> page;
    bool may_pass = false;
    try {
      page = co_await attempt(job);
      may_pass = is_temporary(page->status);
    } catch (const std::exception&) {
      const Failure failure = classify(std::current_exception());
      page = failed(job, failure);
      may_pass = failure.may_pass;
    }
    page->attempts = number;
    if (!may_pass || number > options_.retries) co_return std::move(*page);
    const double jitter = std::uniform_real_distribution<double>(0, 1)(random_);
    co_await asyncio::sleep(std::max(backoff(number, jitter), page->pause_asked));
  }
}

Coro<Page> Fetcher::attempt(Job job) {
  Page page{.url = job.url, .depth = job.depth};
  if (!options_.ignore_robots && !co_await robots_.enter(job.url)) {
    page.error_kind = "robots";
    page.error = "robots.txt asks to leave this page alone";
    co_return page;
  }
  const auto begin = asyncio::Clock::now();
  http::RequestOptions request;
  request.follow = [this, &job](const Url& to) { return may_follow(job, to); };
  http::Response response = co_await client_.get(job.url, std::move(request));
  page.milliseconds =
      std::chrono::duration<double, std::milli>(asyncio::Clock::now() - begin).count();
  co_await fill(page, std::move(response));
  co_return page;
}

bool Fetcher::may_follow(const Job& job, const Url& to) const {
  if (job.depth > 0 && !scope_.contains(to)) return false;
  return options_.ignore_robots || robots_.allows_as_known(to);
}

Coro<> Fetcher::fill(Page& page, http::Response response) {
  page.status = response.status;
  page.bytes = response.body.size();
  page.content_type = response.headers.get("Content-Type", "");
  page.pause_asked = retry_after(response.headers.get("Retry-After")).value_or(asyncio::Duration());
  const Url final_url = Url::parse(response.url);
  if (!response.history.empty()) {
    page.redirected_to = response.url;
    if (page.depth == 0) scope_.add(final_url);
  } else if (const auto location = response.headers.get("Location");
             location && response.status >= 300 && response.status < 400) {
    const auto target = final_url.resolve_link(*location);
    page.redirected_to = target ? target->str() : std::string(*location);
  }
  if (!response.ok() || !is_html(page.content_type)) co_return;

  Contents contents = co_await asyncio::get_running_loop().run_in_executor(
      parsers_,
      [body = std::move(response.body), charset = std::string(charset_of(page.content_type)),
       url = final_url,
       follow_all = options_.ignore_robots] { return analyse(body, charset, url, follow_all); });
  page.title = std::move(contents.title);
  page.links = contents.links.size();
  page.found = std::move(contents.links);
}

}  // namespace harvest
