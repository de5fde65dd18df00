#include "apps/harvest/options.hpp"

#include <CLI/CLI.hpp>

#include <cmath>
#include <map>

namespace harvest {
namespace {

constexpr const char* kDescription =
    R"(Fetches pages and what they link to on the same hosts, many at a time, into an SQLite file.

A start page is a URL ("http://example.com/", or just "example.com"). Only hosts of start pages are
harvested, and what their robots.txt allows. Ctrl-C stops and keeps what is there; the same command
with the same --db goes on where it stopped.)";

constexpr const char* kFooter = R"(
Examples:
  harvest https://example.com/ --depth 2
  harvest example.com example.org --per-host 2 --db both.db --json > pages.jsonl
  harvest --serve /usr/share/doc/nginx /            serves a folder to itself
  sqlite3 harvest.db 'SELECT status, count(*) FROM pages GROUP BY status'

Exit code: 0 all done, 1 nothing could be fetched or the database failed, 2 wrong usage,
130 stopped by Ctrl-C.)";

void add_limits(CLI::App& app, Options& options, double& timeout) {
  app.add_option("-c,--concurrency", options.concurrency, "Pages fetched at the same time")
      ->check(CLI::Range(1, 10'000))
      ->capture_default_str();
  app.add_option("--per-host", options.per_host, "Pages fetched from one host at the same time")
      ->check(CLI::Range(1, 1'000))
      ->capture_default_str();
  app.add_option("-d,--depth", options.depth, "Links to follow from a start page (default: all)")
      ->check(CLI::NonNegativeNumber);
  app.add_option("--max-pages", options.max_pages, "Stop after so many pages")
      ->check(CLI::PositiveNumber);
  app.add_option("-t,--timeout", timeout, "Seconds for one page, redirects included")
      ->check(CLI::Range(0.001, 86'400.0))
      ->capture_default_str();
  app.add_option("--max-body", options.max_body, "Bytes of a page that are too many")
      ->check(CLI::Range(std::size_t{1}, std::size_t{1} << 32))
      ->capture_default_str();
  app.add_option("-r,--retries", options.retries,
                 "Further attempts after a 5xx, a reset or a timeout, with growing pauses")
      ->check(CLI::Range(0, 20))
      ->capture_default_str();
}

void add_network(CLI::App& app, Options& options) {
  app.add_option("--cacert", options.ca_file,
                 "Trust the certificates in this PEM file for https, instead of the system's")
      ->check(CLI::ExistingFile);
  app.add_flag("--insecure", options.insecure,
               "Take every certificate: anybody on the way can read and change what comes");
  using asyncio::Backend;
  const std::map<std::string, Backend> backends{{"automatic", Backend::automatic},
                                                {"epoll", Backend::epoll},
                                                {"io_uring", Backend::io_uring}};
  app.add_option("--backend", options.backend, "How to wait for the network")
      ->transform(CLI::CheckedTransformer(backends))
      ->default_str("automatic");
}

}  // namespace

std::variant<Options, int> parse_options(int argc, const char* const* argv) {
  Options options;
  double timeout = std::chrono::duration<double>(options.timeout).count();
  CLI::App app(kDescription, "harvest");
  app.footer(kFooter);
  app.add_option("URL", options.urls, "Start pages; with --serve, paths in the folder");
  add_limits(app, options, timeout);
  add_network(app, options);
  app.add_option("--db", options.database, "The SQLite file; :memory: keeps nothing")
      ->capture_default_str();
  app.add_flag("--json", options.json, "One JSON object a page on stdout, then the summary");
  app.add_option("--user-agent", options.user_agent, "How to introduce oneself")
      ->capture_default_str();
  app.add_flag("--ignore-robots", options.ignore_robots,
               "Fetch also what robots.txt and nofollow ask to leave alone: for your own sites");
  app.add_option("--serve", options.serve, "Serve this folder on the loopback and harvest that")
      ->check(CLI::ExistingDirectory);
  app.add_option("--port", options.port, "The port for --serve; 0: any that is free")
      ->check(CLI::Range(0, 65535))
      ->capture_default_str();
  app.add_option("--write-url", options.write_url, "Write the URL of --serve into this file");
  app.add_flag("--keep-serving", options.keep_serving,
               "Go on serving after the harvest, until Ctrl-C");
  try {
    app.parse(argc, argv);
    if (options.urls.empty() && options.serve.empty())
      throw CLI::RequiredError("URL (a start page) or --serve");
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  options.timeout = std::chrono::milliseconds(std::lround(std::max(1.0, timeout * 1e3)));
  if (options.urls.empty()) options.urls.emplace_back("/");
  return options;
}

std::string product_token(const std::string& user_agent) {
  return user_agent.substr(0, user_agent.find_first_of("/ ("));
}

}  // namespace harvest
