// session.hpp: one connection of an HTTP server, and what all of a server's connections share.
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "asyncio/core/events.hpp"
#include "asyncio/http/internal/parser.hpp"
#include "asyncio/http/server.hpp"
#include "asyncio/net/servers.hpp"
#include "asyncio/net/streams.hpp"
#include "asyncio/sync/locks.hpp"

namespace asyncio::detail {

class HttpSession;

struct HttpServerState {
  // ValueError where the name in the options is no value of a header.
  explicit HttpServerState(http::ServerOptions given) : options(std::move(given)) {
    http::Headers().add("Server", options.name);
    all_gone.set();
  }
  const http::Handler* find(std::string_view path) const;
  // Date and Server as they are sent; made once a second, looked at once a pass.
  const std::string& usual_fields();

  http::ServerOptions options;
  std::map<std::string, http::Handler, std::less<>> exact;
  std::vector<std::pair<std::string, http::Handler>> prefixes;  // The longest first.
  std::set<HttpSession*> sessions;
  Event all_gone;  // No sessions.
  bool stopping = false;
  std::uint64_t answered = 0;
  std::optional<asyncio::Server> server;
  int port = 0;
  std::string host;

 private:
  std::string usual_fields_;
  std::int64_t date_second_ = -1;
  TimePoint date_seen_at_{};  // The loop's time when the wall clock was last asked.
};

// Reads requests and writes answers until one side ends it.
//
//   idle --first byte--> head --> body --> handler --> answer --> idle
//     |                    |        |                     |
//     | idle timeout,      | timeout: 408                 | not kept alive: flushed, closed
//     | shutdown: closed   | limits, grammar: refuse(), linger(), closed
class HttpSession {
 public:
  HttpSession(std::shared_ptr<HttpServerState> state, StreamReader reader, StreamWriter writer);
  HttpSession(const HttpSession&) = delete;
  HttpSession& operator=(const HttpSession&) = delete;
  ~HttpSession();

  Coro<> run();
  bool is_idle() const noexcept { return is_idle_; }
  void close() { writer_.close(); }
  void cancel();

 private:
  enum class Read : std::uint8_t { done, end, timed_out };

  Coro<bool> serve_one();  // Whether another request may follow.
  Coro<Read> read_message();
  Duration read_limit() const;
  void head_is_read(bool all_was_used);
  bool take_request(http::Request& request);  // False where its path makes no sense.
  Coro<http::Response> handle(http::Request& request);
  void put_answer(http::Response& response, bool is_head, bool keep_alive);
  void append_head(const http::Response& response, std::uint64_t size, bool keep_alive);
  Coro<> send_file(const http::FileBody& file);
  Coro<> refuse(int status);
  Coro<> linger();
  Coro<> discard_input();
  Coro<> flush();
  void write_out();
  void flush_soon();

  std::shared_ptr<HttpServerState> state_;
  StreamReader reader_;
  StreamWriter writer_;
  RequestParser parser_;
  std::optional<AnyTask> task_;
  std::string out_;   // Answers that were not written yet.
  std::string what_;  // Method and target of the request that is handled, for the log.
  Handle flush_handle_;
  TimePoint head_deadline_{};
  TimePoint body_deadline_{};
  bool is_idle_ = false;
};

}  // namespace asyncio::detail
