#include "asyncio/http/client.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <vector>

#include "asyncio/asyncio.hpp"
#include "asyncio/http/server.hpp"
#include "asyncio/testing/certificates.hpp"

namespace asyncio::http {
namespace {

using namespace std::chrono_literals;
using namespace std::string_literals;

// A server that says what it is told, and notes what it heard.
class Peer {
 public:
  // One answer for each request, over any number of connections; then the connection is closed
  // where the answer ends with "\x04", dropped hard where it ends with "\x05".
  explicit Peer(std::vector<std::string> answers) : answers_(std::move(answers)) {}

  Coro<> start() {
    server_ = co_await start_server(
        [this](StreamReader reader, StreamWriter writer) -> Coro<> {
          ++connections;
          co_await talk(std::move(reader), std::move(writer));
        },
        "127.0.0.1", 0);
  }
  std::string url(const std::string& path = "/") const {
    return "http://127.0.0.1:" + std::to_string(server_.sockets()[0].port()) + path;
  }

  std::vector<std::string> heard;  // Heads of requests.
  int connections = 0;

 private:
  Coro<> talk(StreamReader reader, StreamWriter writer) {
    for (;;) {
      std::string head;
      try {
        head = co_await reader.readuntil("\r\n\r\n");
      } catch (const IncompleteReadError&) {
        break;
      }
      heard.push_back(head);
      if (next_ >= answers_.size()) {
        co_await Event().wait();  // Says nothing, for ever.
      }
      std::string answer = answers_[next_++];
      const char last = answer.empty() ? '\0' : answer.back();
      if (last == '\x04' || last == '\x05') answer.pop_back();
      writer.write(answer);
      if (last == '\x04') break;
      if (last == '\x05') {
        writer.abort();
        break;
      }
    }
  }

  std::vector<std::string> answers_;
  std::size_t next_ = 0;
  asyncio::Server server_;
};

const std::string kHello = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

std::string redirect_to(const std::string& location, int status = 302) {
  return "HTTP/1.1 " + std::to_string(status) + " Moved\r\nLocation: " + location +
         "\r\nContent-Length: 0\r\n\r\n";
}

// Runs the test as a coroutine, with 20 seconds for all of it.
Coro<> limited(Coro<> test) { co_await wait_for(std::move(test), 20s); }
void go(Coro<> test) { run(limited(std::move(test))); }

template <class E>
Coro<std::string> failure_of(Coro<Response> request) {
  try {
    const Response response = co_await std::move(request);
    co_return "no error, but " + repr(response);
  } catch (const E& error) {
    co_return error.what();
  }
}

TEST(HttpClient, reads_bodies_of_all_kinds) {
  go([]() -> Coro<> {
    Peer peer({kHello,
               "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
               "3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n",
               "HTTP/1.1 200 OK\r\n\r\nhello\x04"});
    co_await peer.start();
    Client client;
    for (int i = 0; i < 3; ++i) {
      const Response response = co_await client.get(peer.url());
      EXPECT_EQ(response.status, 200);
      EXPECT_EQ(response.body, "hello");
      EXPECT_EQ(response.url, peer.url());
    }
  }());
}

TEST(HttpClient, uses_a_connection_again) {
  go([]() -> Coro<> {
    Peer peer({kHello, kHello, kHello});
    co_await peer.start();
    Client client;

    for (int i = 0; i < 3; ++i) co_await client.get(peer.url());

    EXPECT_EQ(peer.connections, 1);
    EXPECT_EQ(client.connections_made(), 1U);
    EXPECT_EQ(client.idle_connections(), 1U);
    co_await client.aclose();
    EXPECT_EQ(client.idle_connections(), 0U);
  }());
}

TEST(HttpClient, does_not_use_a_connection_again_that_says_close) {
  go([]() -> Coro<> {
    const std::string close = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
    Peer peer({close, close});
    co_await peer.start();
    Client client;

    for (int i = 0; i < 2; ++i) co_await client.get(peer.url());

    EXPECT_EQ(peer.connections, 2);
  }());
}

// The server closes a kept connection exactly when it gets the next request.
TEST(HttpClient, repeats_a_request_once_where_a_kept_connection_was_dead) {
  go([]() -> Coro<> {
    Peer peer({kHello, "\x04", kHello});
    co_await peer.start();
    Client client;
    co_await client.get(peer.url());

    const Response response = co_await client.get(peer.url("/again"));

    EXPECT_EQ(response.body, "hello");
    EXPECT_EQ(peer.connections, 2);
    EXPECT_EQ(peer.heard.size(), 3U);
  }());
}

TEST(HttpClient, never_repeats_what_is_not_idempotent) {
  go([]() -> Coro<> {
    Peer peer({kHello, "\x04", kHello});
    co_await peer.start();
    Client client;
    co_await client.get(peer.url());

    const std::string error =
        co_await failure_of<ProtocolError>(client.post(Url::parse(peer.url()), "x"));

    EXPECT_TRUE(error.starts_with("the server closed the connection without an answer")) << error;
    EXPECT_EQ(peer.heard.size(), 2U);
  }());
}

TEST(HttpClient, follows_redirects_and_says_how) {
  go([]() -> Coro<> {
    Peer peer({redirect_to("/b"), redirect_to("c#x", 301), kHello});
    co_await peer.start();
    Client client;

    const Response response = co_await client.get(peer.url("/a"));

    EXPECT_EQ(response.url, peer.url("/c"));
    EXPECT_EQ(response.history, (std::vector<std::string>{peer.url("/a"), peer.url("/b")}));
  }());
}

TEST(HttpClient, a_post_becomes_a_get_after_303_and_stays_after_307) {
  go([]() -> Coro<> {
    Peer peer({redirect_to("/b", 307), redirect_to("/c", 303), kHello});
    co_await peer.start();
    Client client;

    co_await client.post(Url::parse(peer.url("/a")), "");

    EXPECT_EQ(peer.heard.size(), 3U);
    if (peer.heard.size() != 3) co_return;
    EXPECT_TRUE(peer.heard[1].starts_with("POST /b "));
    EXPECT_TRUE(peer.heard[2].starts_with("GET /c "));
  }());
}

TEST(HttpClient, secrets_do_not_follow_to_another_origin) {
  go([]() -> Coro<> {
    Peer other({kHello});
    co_await other.start();
    Peer peer({redirect_to("/b"), redirect_to(other.url())});
    co_await peer.start();
    Client client;

    co_await client.get(peer.url(), {.headers = {{"Authorization", "secret"}}});

    EXPECT_NE(peer.heard[1].find("secret"), std::string::npos);
    EXPECT_EQ(other.heard[0].find("secret"), std::string::npos);
  }());
}

TEST(HttpClient, redirects_end_at_a_circle_and_at_the_limit) {
  go([]() -> Coro<> {
    Peer circle({redirect_to("/b"), redirect_to("/a")});
    co_await circle.start();
    Peer many({redirect_to("/1"), redirect_to("/2"), redirect_to("/3")});
    co_await many.start();
    Client client({.max_redirects = 2});

    const std::string round = co_await failure_of<TooManyRedirects>(client.get(circle.url("/a")));
    const std::string limit = co_await failure_of<TooManyRedirects>(client.get(many.url("/")));
    EXPECT_TRUE(round.starts_with("redirects lead in a circle")) << round;
    EXPECT_TRUE(limit.starts_with("more than 2 redirects")) << limit;
  }());
}

TEST(HttpClient, with_no_redirects_allowed_they_are_answers) {
  go([]() -> Coro<> {
    Peer peer({redirect_to("/b"), redirect_to("/b")});
    co_await peer.start();
    Client client;

    const Response by_number = co_await client.get(peer.url(), {.max_redirects = 0});
    const Response by_question =
        co_await client.get(peer.url(), {.follow = [](const Url&) { return false; }});

    EXPECT_EQ(by_number.status, 302);
    EXPECT_EQ(by_question.status, 302);
  }());
}

TEST(HttpClient, too_large_bodies_are_errors) {
  go([]() -> Coro<> {
    Peer peer({kHello, "HTTP/1.1 200 OK\r\n\r\n" + std::string(100'000, 'x'),
               "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"});
    co_await peer.start();
    Client client({.max_body = 4});

    for (int i = 0; i < 3; ++i) {
      const std::string error = co_await failure_of<BodyTooLarge>(client.get(peer.url()));
      EXPECT_TRUE(error.starts_with("the body is larger than 4 bytes")) << error;
    }
    EXPECT_EQ(client.idle_connections(), 0U);
  }());
}

TEST(HttpClient, what_is_not_http_is_an_error) {
  go([]() -> Coro<> {
    for (const std::string& garbage :
         {std::string("SSH-2.0-OpenSSH\r\n\r\n\x04"), std::string("HTTP/1.1 abc\r\n\r\n\x04"),
          "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello\x04"s,
          std::string("HTTP/1.1 200 OK\r\nX: ") + std::string(200'000, 'x') + "\x04"}) {
      Peer peer({garbage});
      co_await peer.start();
      Client client;
      const std::string error = co_await failure_of<ProtocolError>(client.get(peer.url()));
      EXPECT_TRUE(error.starts_with("the answer is not HTTP")) << error;
    }
  }());
}

TEST(HttpClient, a_cut_answer_is_an_error) {
  go([]() -> Coro<> {
    for (const std::string& cut :
         {"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello\x04"s, "HTTP/1.1 20\x04"s,
          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel\x04"s}) {
      Peer peer({cut});
      co_await peer.start();
      Client client;
      const std::string error = co_await failure_of<ProtocolError>(client.get(peer.url()));
      EXPECT_TRUE(error.starts_with("the server closed the connection in the middle")) << error;
    }
  }());
}

TEST(HttpClient, a_reset_is_an_os_error) {
  go([]() -> Coro<> {
    asyncio::Server server = co_await start_server(
        [](StreamReader reader, StreamWriter writer) -> Coro<> {
          // Closing with unread bytes makes the kernel send a reset.
          while (reader.buffered().empty()) co_await sleep(0s);
          writer.abort();
        },
        "127.0.0.1", 0);
    Client client;
    bool failed = false;
    try {
      co_await client.get("http://127.0.0.1:" + std::to_string(server.sockets()[0].port()));
    } catch (const OSError&) {
      failed = true;
    } catch (const ProtocolError&) {
      failed = true;
    }
    EXPECT_TRUE(failed);
  }());
}

TEST(HttpClient, nobody_there_is_an_os_error) {
  go([]() -> Coro<> {
    asyncio::Server server = co_await start_server(
        [](StreamReader, StreamWriter) -> Coro<> { co_return; }, "127.0.0.1", 0);
    const int port = server.sockets()[0].port();
    server.close();
    co_await server.wait_closed();
    Client client;

    const std::string error = co_await failure_of<ConnectionRefusedError>(
        client.get("http://127.0.0.1:" + std::to_string(port)));

    EXPECT_NE(error.find("Errno 111"), std::string::npos) << error;
  }());
}

TEST(HttpClient, the_time_for_one_request_is_limited) {
  go([]() -> Coro<> {
    Peer peer({});
    co_await peer.start();
    Client client({.timeout = 30ms});

    const std::string error = co_await failure_of<TimeoutError>(client.get(peer.url()));

    EXPECT_TRUE(error.starts_with("no answer within 0.030 seconds")) << error;
    EXPECT_EQ(client.idle_connections(), 0U);
  }());
}

TEST(HttpClient, a_cancelled_request_leaves_no_connection_behind) {
  go([]() -> Coro<> {
    Peer peer({});
    co_await peer.start();
    Client client;
    auto request = create_task(client.get(peer.url()));
    while (peer.heard.empty()) co_await sleep(0s);

    request.cancel();
    co_await wait({request});

    EXPECT_TRUE(request.cancelled());
    EXPECT_EQ(client.idle_connections(), 0U);
  }());
}

TEST(HttpClient, a_host_gets_no_more_connections_than_allowed) {
  go([]() -> Coro<> {
    Server server;
    int now = 0;
    int most = 0;
    server.route("/", [&](Request) -> Coro<Response> {
      most = std::max(most, ++now);
      for (int i = 0; i < 5; ++i) co_await sleep(0s);
      --now;
      co_return Response::text("x");
    });
    co_await server.start("127.0.0.1", 0);
    Client client({.connections_per_host = 3});
    std::vector<Coro<Response>> requests;
    for (int i = 0; i < 20; ++i) requests.push_back(client.get(server.url()));

    co_await gather(std::move(requests));

    EXPECT_EQ(most, 3);
    EXPECT_EQ(client.connections_made(), 3U);
    co_await client.aclose();
    co_await server.shutdown(5s);
  }());
}

// ---- https

Coro<Server> secure_server(testing::CertificateFiles files) {
  ServerOptions options;
  options.ssl = ssl::create_default_context(ssl::Purpose::CLIENT_AUTH);
  options.ssl.load_cert_chain(files.certfile, files.keyfile);
  Server server(options);
  server.route("/", [](Request) -> Coro<Response> { co_return Response::text("secret"); });
  co_await server.start("127.0.0.1", 0);
  co_return server;
}

TEST(HttpClient, https_verifies_the_server_and_keeps_the_connection) {
  go([]() -> Coro<> {
    const testing::TestAuthority authority;
    Server server = co_await secure_server(authority.issue());
    EXPECT_EQ(server.url().substr(0, 18), "https://127.0.0.1:");
    ClientOptions options;
    options.ca_file = authority.cafile();
    Client client(options);
    for (int i = 0; i < 3; ++i) EXPECT_EQ((co_await client.get(server.url() + "/")).body, "secret");
    EXPECT_EQ(client.connections_made(), 1U);
    co_await client.aclose();
    co_await server.shutdown(5s);
  }());
}

TEST(HttpClient, https_of_a_stranger_is_refused_by_default) {
  go([]() -> Coro<> {
    const testing::TestAuthority authority;
    Server server = co_await secure_server(authority.issue());
    Client client;
    const std::string error =
        co_await failure_of<SslCertVerificationError>(client.get(server.url() + "/"));
    EXPECT_NE(error.find("unable to get local issuer certificate"), std::string::npos) << error;
    EXPECT_EQ(client.connections_made(), 0U);
    co_await server.shutdown(5s);
  }());
}

TEST(HttpClient, https_takes_a_context_of_the_user) {
  go([]() -> Coro<> {
    const testing::TestAuthority authority;
    Server server = co_await secure_server(authority.issue({.names = {"other.test"}}));
    ClientOptions options;
    options.ssl =
        ssl::create_default_context(ssl::Purpose::SERVER_AUTH, {.cafile = authority.cafile()});
    options.ssl.set_check_hostname(false);
    Client client(options);
    EXPECT_EQ((co_await client.get(server.url() + "/")).body, "secret");
    co_await client.aclose();
    co_await server.shutdown(5s);
  }());
}

TEST(HttpClient, other_schemes_are_refused) {
  go([]() -> Coro<> {
    Client client;
    EXPECT_NE(co_await failure_of<UnsupportedScheme>(client.get("ftp://127.0.0.1/")), "");
  }());
}

TEST(HttpClient, what_the_user_gives_cannot_become_a_second_request) {
  go([]() -> Coro<> {
    Client client;
    EXPECT_NE(co_await failure_of<ValueError>(
                  client.request("GET / HTTP/1.1\r\nX:", Url::parse("http://127.0.0.1/"))),
              "");
    EXPECT_THROW(Headers({{"X", "a\r\nY: b"}}), ValueError);
  }());
}

TEST(HttpClient, is_closed_by_with) {
  go([]() -> Coro<> {
    Peer peer({kHello});
    co_await peer.start();
    Client client;
    const std::string body = co_await with(client, [&](Client& same) -> Coro<std::string> {
      const Response response = co_await same.get(peer.url());
      co_return response.body;
    });

    EXPECT_EQ(body, "hello");
    EXPECT_EQ(co_await failure_of<RuntimeError>(client.get(peer.url())), "Client is closed");
  }());
}

}  // namespace
}  // namespace asyncio::http
