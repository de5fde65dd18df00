// options.hpp: what the command line says.
#pragma once
#include <chrono>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "asyncio/core/events.hpp"

namespace harvest {

struct Options {
  std::vector<std::string> urls;
  std::size_t concurrency = 32;
  std::size_t per_host = 8;
  std::optional<int> depth = {};
  std::optional<std::size_t> max_pages = {};
  std::chrono::milliseconds timeout = std::chrono::seconds(20);
  std::size_t max_body = 16 * 1024 * 1024;  // Bytes.
  int retries = 2;
  std::string database = "harvest.db";
  bool json = false;
  bool ignore_robots = false;
  std::string user_agent = "harvest/0.1";
  std::string serve;      // A folder, or empty.
  int port = 0;           // Of the server for it.
  std::string write_url;  // A file that gets the server's URL.
  bool keep_serving = false;
  std::string ca_file;    // Whom to trust for https; empty: whom the system trusts.
  bool insecure = false;  // Trust everybody.
  asyncio::Backend backend = asyncio::Backend::automatic;
};

// The options, or the code to exit with where --help or a mistake has been answered.
std::variant<Options, int> parse_options(int argc, const char* const* argv);

// "harvest" of "harvest/0.1 (+https://...)": the name that robots.txt knows.
std::string product_token(const std::string& user_agent);

}  // namespace harvest
