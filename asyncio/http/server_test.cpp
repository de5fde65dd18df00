#include "asyncio/http/server.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "asyncio/asyncio.hpp"
#include "asyncio/base/errors.hpp"

namespace asyncio::http {
namespace {

using namespace std::chrono_literals;

// A server with a few routes and a folder of files.
class HttpServer : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "http_XXXXXX").string();
    root_ = ::mkdtemp(pattern.data());
    std::filesystem::create_directories(root_ / "www/sub folder");
    write("secret.txt", "secret");
    write("www/index.html", "<title>home</title>");
    write("www/sub folder/a.css", "b{}");
    write("www/big.bin", std::string(300'000, 'x'));
  }
  void TearDown() override { std::filesystem::remove_all(root_); }
  void write(const std::string& name, const std::string& text) {
    std::ofstream(root_ / name) << text;
  }

  void add_routes(Server& server) {
    server.route("/hello", [](Request request) -> Coro<Response> {
      co_return Response::text("hello " + request.method + " " + request.body);
    });
    server.route("/fail", [](Request) -> Coro<Response> {
      throw RuntimeError("on purpose");
      co_return Response();
    });
    server.route("/own", [](Request) -> Coro<Response> {
      Response response;
      response.headers = {{"Content-Length", "9"}, {"server", "mine"}, {"Connection", "upgrade"}};
      co_return response;
    });
    server.route_prefix("/api/", [](Request request) -> Coro<Response> {
      co_return Response::text("api " + request.path + " " +
                               std::string(request.query().value_or("-")));
    });
    server.route_prefix("/api/v2/",
                        [](Request) -> Coro<Response> { co_return Response::text("v2"); });
    server.serve_files("/", (root_ / "www").string());
  }

  // Sends `bytes` and gives all that comes back until the server closes.
  static Coro<std::string> talk(int port, std::string bytes) {
    Connection connection = co_await open_connection("127.0.0.1", port);
    connection.writer.write(bytes);
    std::string answer;
    for (;;) {
      std::string more = co_await connection.reader.read(65536);
      if (more.empty()) break;
      answer += more;
    }
    co_return answer;
  }

  // What the server says to `bytes`, with "Connection: close" left to the caller.
  std::string answer_to(std::string bytes, ServerOptions options = {}) {
    return run(ask(std::move(bytes), std::move(options)));
  }
  Coro<std::string> ask(std::string bytes, ServerOptions options) {
    Server server(std::move(options));
    add_routes(server);
    co_await server.start("127.0.0.1", 0);
    std::string answer = co_await wait_for(talk(server.port(), std::move(bytes)), 20s);
    co_await server.shutdown(5s);
    co_return answer;
  }
  std::string get(const std::string& target, const std::string& more = "") {
    return answer_to("GET " + target + " HTTP/1.1\r\nHost: h\r\nConnection: close\r\n" + more +
                     "\r\n");
  }
  static std::string status(const std::string& answer) { return answer.substr(0, 12); }
  static std::string body(const std::string& answer) {
    const std::size_t end = answer.find("\r\n\r\n");
    return end == std::string::npos ? "no body" : answer.substr(end + 4);
  }
  static std::string header(const std::string& answer, const std::string& name) {
    const std::size_t at = answer.find("\r\n" + name + ": ");
    if (at == std::string::npos) return "";
    const std::size_t from = at + name.size() + 4;
    return answer.substr(from, answer.find("\r\n", from) - from);
  }

  std::filesystem::path root_;
};

TEST_F(HttpServer, calls_the_handler_of_the_path) {
  EXPECT_EQ(body(get("/hello")), "hello GET ");
  EXPECT_EQ(body(get("/hello?x=1")), "hello GET ");
}

TEST_F(HttpServer, gives_the_body_to_the_handler) {
  EXPECT_EQ(body(answer_to("POST /hello HTTP/1.1\r\nHost: h\r\nConnection: close\r\n"
                           "Content-Length: 3\r\n\r\nabc")),
            "hello POST abc");
  EXPECT_EQ(body(answer_to("POST /hello HTTP/1.1\r\nHost: h\r\nConnection: close\r\n"
                           "Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n")),
            "hello POST abc");
}

TEST_F(HttpServer, the_longest_prefix_wins) {
  EXPECT_EQ(body(get("/api/a%20b?q")), "api /api/a b q");
  EXPECT_EQ(body(get("/api/v2/x")), "v2");
}

TEST_F(HttpServer, a_failing_handler_becomes_500_and_the_log_names_the_request) {
  std::string logged;
  logging::set_sink([&](LogLevel, std::string_view line) { logged += line; });
  EXPECT_EQ(status(get("/fail?x=1")), "HTTP/1.1 500");
  logging::set_sink({});

  EXPECT_NE(logged.find("<Request GET /fail?x=1>"), std::string::npos) << logged;
}

// Otherwise a field would stand twice, or say what is not so.
TEST_F(HttpServer, a_handlers_own_fields_stand_once_and_framing_stays_the_servers) {
  const std::string answer = get("/own");

  EXPECT_EQ(header(answer, "server"), "mine");
  EXPECT_EQ(answer.find("Server:"), std::string::npos) << answer;
  EXPECT_NE(answer.find("\r\nDate: "), std::string::npos) << answer;
  EXPECT_EQ(header(answer, "Content-Length"), "0");
  EXPECT_EQ(header(answer, "Connection"), "close");
  EXPECT_EQ(answer.find("upgrade"), std::string::npos) << answer;
}

TEST_F(HttpServer, a_name_that_would_end_its_line_is_refused) {
  EXPECT_THROW(Server(ServerOptions{.name = "a\r\nSet-Cookie: b"}), ValueError);
}

TEST_F(HttpServer, unknown_paths_are_404) { EXPECT_EQ(status(get("/nothing")), "HTTP/1.1 404"); }

TEST_F(HttpServer, head_has_the_length_and_no_body) {
  const std::string answer =
      answer_to("HEAD /hello HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");

  EXPECT_EQ(header(answer, "Content-Length"), "11");
  EXPECT_EQ(body(answer), "");
}

TEST_F(HttpServer, pipelined_requests_are_answered_in_order) {
  const std::string answer = answer_to(
      "GET /hello HTTP/1.1\r\nHost: h\r\n\r\nGET /api/ HTTP/1.1\r\nHost: h\r\n\r\n"
      "GET /index.html HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");

  const std::size_t first = answer.find("hello GET");
  const std::size_t second = answer.find("api /api/");
  const std::size_t third = answer.find("<title>home");
  ASSERT_NE(third, std::string::npos) << answer;
  EXPECT_LT(first, second);
  EXPECT_LT(second, third);
}

TEST_F(HttpServer, serves_files_with_type_length_and_tag) {
  const std::string answer = get("/sub%20folder/a.css");

  EXPECT_EQ(status(answer), "HTTP/1.1 200");
  EXPECT_EQ(body(answer), "b{}");
  EXPECT_EQ(header(answer, "Content-Length"), "3");
  EXPECT_TRUE(header(answer, "Content-Type").starts_with("text/css")) << answer;
  EXPECT_NE(header(answer, "ETag"), "");
  EXPECT_NE(header(answer, "Last-Modified"), "");
}

TEST_F(HttpServer, serves_large_files_whole) {
  EXPECT_EQ(body(get("/big.bin")), std::string(300'000, 'x'));
}

TEST_F(HttpServer, a_folder_is_its_index) {
  EXPECT_EQ(body(get("/")), "<title>home</title>");
  EXPECT_EQ(status(get("/sub%20folder/")), "HTTP/1.1 404");
  EXPECT_EQ(header(get("/sub%20folder?x"), "Location"), "/sub%20folder/?x");
}

TEST_F(HttpServer, an_unchanged_file_is_304) {
  const std::string first = get("/index.html");
  const std::string tag = header(first, "ETag");
  const std::string date = header(first, "Last-Modified");

  EXPECT_EQ(status(get("/index.html", "If-None-Match: \"x\", W/" + tag + "\r\n")), "HTTP/1.1 304");
  EXPECT_EQ(status(get("/index.html", "If-Modified-Since: " + date + "\r\n")), "HTTP/1.1 304");
  EXPECT_EQ(
      status(get("/index.html", "If-None-Match: \"x\"\r\nIf-Modified-Since: " + date + "\r\n")),
      "HTTP/1.1 200");
}

TEST_F(HttpServer, nothing_outside_of_the_folder_is_served) {
  std::filesystem::create_symlink(root_ / "secret.txt", root_ / "www/link");
  std::filesystem::create_symlink("../secret.txt", root_ / "www/relative");
  std::filesystem::create_symlink("index.html", root_ / "www/inside");

  for (const char* target : {"/../secret.txt", "/%2e%2e/secret.txt", "/..%2fsecret.txt", "/link",
                             "/sub%20folder/../../secret.txt", "/relative"})
    EXPECT_NE(body(get(target)), "secret") << target;
  EXPECT_EQ(status(get("/link")), "HTTP/1.1 404");
  EXPECT_EQ(status(get("/relative")), "HTTP/1.1 404");
  EXPECT_EQ(status(get("/..%2fsecret.txt")), "HTTP/1.1 404");
  EXPECT_EQ(body(get("/inside")), "<title>home</title>");
}

TEST_F(HttpServer, files_know_get_and_head_only) {
  const std::string answer =
      answer_to("DELETE /index.html HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");

  EXPECT_EQ(status(answer), "HTTP/1.1 405");
  EXPECT_EQ(header(answer, "Allow"), "GET, HEAD");
}

TEST_F(HttpServer, refuses_by_number_and_closes) {
  const std::string host = "Host: h\r\n";
  EXPECT_EQ(status(answer_to("nonsense\r\n\r\n")), "HTTP/1.1 400");
  EXPECT_EQ(status(answer_to("GET /%zz HTTP/1.1\r\n" + host + "\r\n")), "HTTP/1.1 400");
  EXPECT_EQ(status(answer_to("GET / HTTP/1.1\r\n\r\n")), "HTTP/1.1 400");
  EXPECT_EQ(status(answer_to("POST / HTTP/1.1\r\n" + host + "Content-Length: 99\r\n\r\n",
                             {.max_body = 10})),
            "HTTP/1.1 413");
  EXPECT_EQ(status(answer_to("GET /" + std::string(9000, 'a') + " HTTP/1.1\r\n\r\n")),
            "HTTP/1.1 414");
  EXPECT_EQ(status(answer_to("GET / HTTP/1.1\r\n" + host + "X: " + std::string(40'000, 'a') +
                             "\r\n\r\n")),
            "HTTP/1.1 431");
  EXPECT_EQ(
      status(answer_to("POST / HTTP/1.1\r\n" + host + "Transfer-Encoding: gzip, chunked\r\n\r\n")),
      "HTTP/1.1 501");
  EXPECT_EQ(status(answer_to("GET / HTTP/2.0\r\n" + host + "\r\n")), "HTTP/1.1 505");
}

TEST_F(HttpServer, slow_clients_run_into_their_limits) {
  EXPECT_EQ(status(answer_to("GET / HT", {.header_timeout = 20ms})), "HTTP/1.1 408");
  EXPECT_EQ(status(answer_to("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nab",
                             {.body_timeout = 20ms})),
            "HTTP/1.1 408");
  EXPECT_EQ(answer_to("", {.idle_timeout = 20ms}), "");
}

// Each byte comes in time for body_timeout; all of them together do not.
Coro<std::string> drip_a_body() {
  Server server({.body_timeout = 10s, .body_deadline = 50ms});
  co_await server.start("127.0.0.1", 0);
  Connection client = co_await open_connection("127.0.0.1", server.port());
  client.writer.write("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\n");
  Task<> dripping = create_task([](StreamWriter& writer) -> Coro<> {
    for (;;) {
      writer.write("x");
      co_await sleep(5ms);
    }
  }(client.writer));
  std::string answer = co_await client.reader.readline();
  dripping.cancel();
  client.writer.close();
  co_await server.shutdown(1s);
  co_return answer;
}

TEST_F(HttpServer, a_body_that_drips_for_ever_runs_into_its_deadline) {
  EXPECT_EQ(asyncio::run(drip_a_body()).substr(0, 12), "HTTP/1.1 408");
}

TEST_F(HttpServer, tells_a_waiting_client_to_continue) {
  const std::string answer = answer_to(
      "POST /hello HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n"
      "Content-Length: 3\r\n\r\n",
      {.body_timeout = 20ms});

  EXPECT_EQ(status(answer), "HTTP/1.1 100");
}

TEST_F(HttpServer, one_connection_too_many_gets_503) {
  EXPECT_EQ(status(answer_to("", {.max_connections = 0})), "HTTP/1.1 503");
}

Coro<> shutdown_with_a_request_running() {
  Server server;
  Event entered;
  Event may_end;
  server.route("/slow", [&](Request) -> Coro<Response> {
    entered.set();
    co_await may_end.wait();
    co_return Response::text("done");
  });
  co_await server.start("127.0.0.1", 0);
  Connection idle = co_await open_connection("127.0.0.1", server.port());
  Connection busy = co_await open_connection("127.0.0.1", server.port());
  busy.writer.write("GET /slow HTTP/1.1\r\nHost: h\r\n\r\n");
  co_await entered.wait();

  auto shutdown = create_task(server.shutdown(10s));
  EXPECT_EQ(co_await idle.reader.read(), "");
  may_end.set();
  const std::string answer = co_await busy.reader.read();
  co_await shutdown;

  EXPECT_NE(answer.find("Connection: close"), std::string::npos) << answer;
  EXPECT_TRUE(answer.ends_with("done")) << answer;
  EXPECT_EQ(server.connections(), 0U);
}

TEST_F(HttpServer, shutdown_lets_running_requests_end) { run(shutdown_with_a_request_running()); }

Coro<> shutdown_with_a_request_that_hangs() {
  Server server;
  Event entered;
  Event never;
  server.route("/hang", [&](Request) -> Coro<Response> {
    entered.set();
    co_await never.wait();
    co_return Response::text("never");
  });
  co_await server.start("127.0.0.1", 0);
  Connection busy = co_await open_connection("127.0.0.1", server.port());
  busy.writer.write("GET /hang HTTP/1.1\r\nHost: h\r\n\r\n");
  co_await entered.wait();

  co_await server.shutdown(10ms);

  EXPECT_EQ(server.connections(), 0U);
  EXPECT_EQ(co_await busy.reader.read(), "");
}

TEST_F(HttpServer, shutdown_cancels_at_its_deadline) { run(shutdown_with_a_request_that_hangs()); }

}  // namespace
}  // namespace asyncio::http
