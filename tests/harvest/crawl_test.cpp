// The crawler against servers that misbehave: each becomes a row, and nothing more.
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <vector>

#include "apps/harvest/crawler.hpp"
#include "asyncio/asyncio.hpp"
#include "asyncio/http/server.hpp"
#include "asyncio/testing/certificates.hpp"

namespace harvest {
namespace {

using namespace std::chrono_literals;
using asyncio::Coro;
namespace http = asyncio::http;

using Pages = std::map<std::string, Page>;  // By the path of the URL.

// Fetches `start` and what they lead to; in memory.
Coro<Pages> harvest(std::vector<std::string> start, Options options) {
  options.database = ":memory:";
  Store store = co_await Store::open(options.database);
  Scope scope;
  Frontier frontier({.per_host = options.per_host, .depth = options.depth});
  for (const std::string& page : start) {
    scope.add(Url::parse(page));
    frontier.add(Url::parse(page), 0);
  }
  Pages pages;
  Crawler crawler(options, frontier, scope, store,
                  [&](const Page& page) { pages.emplace(std::string(page.url.path()), page); });
  co_await crawler.run();
  co_await store.close();
  co_return pages;
}

Options quick() {
  Options options;
  options.retries = 0;
  options.timeout = 200ms;
  options.max_body = 100'000;
  return options;
}

// What a server that knows no HTTP does with a connection, once the request's head is there.
enum class Manner {
  slow_head,
  silence,
  stalled_body,
  dripping_body,
  endless_head,
  endless_body,
  endless_chunks,
  short_body,
  long_body,
  boast,
  broken_chunk,
  garbage,
  reset,
  reset_in_the_body,
};

// Says the same for ever.
Coro<> drone(asyncio::StreamWriter& writer, std::string text, asyncio::Duration pause = 0s) {
  for (;;) {
    writer.write(text);
    co_await writer.drain();
    co_await asyncio::sleep(pause);
  }
}

Coro<> misbehave(Manner manner, asyncio::StreamReader reader, asyncio::StreamWriter writer) {
  const std::string head = co_await reader.readuntil("\r\n\r\n");
  if (head.starts_with("GET /robots.txt")) {
    writer.write("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    co_return;
  }
  const std::string ok = "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n";
  switch (manner) {
    case Manner::slow_head:
      writer.write("HTTP/1.1 200 OK\r\nContent-");
      co_await asyncio::Event().wait();
      break;
    case Manner::stalled_body:
      writer.write(ok + "Content-Length: 1000\r\n\r\nshort");
      co_await asyncio::Event().wait();
      break;
    case Manner::dripping_body:
      writer.write(ok + "\r\n");
      co_await drone(writer, "x", 10ms);
      break;
    case Manner::endless_body:
      writer.write(ok + "\r\n");
      co_await drone(writer, std::string(1000, 'x'));
      break;
    case Manner::endless_chunks:
      writer.write(ok + "Transfer-Encoding: chunked\r\n\r\n");
      co_await drone(writer, "3e8\r\n" + std::string(1000, 'x') + "\r\n");
      break;
    case Manner::short_body:
      writer.write(ok + "Content-Length: 1000\r\n\r\nshort");
      break;
    case Manner::long_body:
      writer.write(ok + "Content-Length: 5\r\n\r\nshort, and HTTP/1.1 200 OK\r\n\r\n");
      break;
    case Manner::boast:
      writer.write(ok + "Content-Length: 99999999999999\r\n\r\nshort");
      co_await asyncio::Event().wait();
      break;
    case Manner::broken_chunk:
      writer.write(ok + "Transfer-Encoding: chunked\r\n\r\n5\r\nshort, and more\r\n");
      break;
    case Manner::garbage:
      writer.write(std::string("\x00\x01\xff\xfegarbage\r\n\r\n", 15));
      break;
    case Manner::reset:
      reader.consume(0);
      writer.abort();
      break;
    case Manner::reset_in_the_body:
      writer.write(ok + "Content-Length: 1000\r\n\r\nshort");
      co_await asyncio::sleep(5ms);
      writer.abort();
      break;
    case Manner::silence:
      co_await asyncio::Event().wait();
      break;
    case Manner::endless_head:
      writer.write("HTTP/1.1 200 OK\r\n");
      co_await drone(writer, "X-Same: " + std::string(500, 'x') + "\r\n");
      break;
  }
}

// The page that comes of it.
Coro<Page> meet(Manner manner) {
  asyncio::Server server = co_await asyncio::start_server(
      [manner](asyncio::StreamReader reader, asyncio::StreamWriter writer) -> Coro<> {
        try {
          co_await misbehave(manner, std::move(reader), std::move(writer));
        } catch (const std::exception&) {  // The client has left: that is what is tested.
        }
      },
      "127.0.0.1", 0);
  const std::string url =
      "http://127.0.0.1:" + std::to_string(server.sockets()[0].port()) + "/page";
  const Pages pages = co_await harvest({url}, quick());
  server.close();
  EXPECT_EQ(pages.size(), 1U);
  co_return pages.at("/page");
}

std::string kind_of(Manner manner) { return asyncio::run(meet(manner)).error_kind; }

TEST(HostileServer, a_slow_head_is_a_timeout) { EXPECT_EQ(kind_of(Manner::slow_head), "timeout"); }
TEST(HostileServer, silence_is_a_timeout) { EXPECT_EQ(kind_of(Manner::silence), "timeout"); }
TEST(HostileServer, a_body_that_stalls_is_a_timeout) {
  EXPECT_EQ(kind_of(Manner::stalled_body), "timeout");
}
// Each byte comes soon enough: it is the whole that takes too long.
TEST(HostileServer, a_body_that_drips_for_ever_is_a_timeout) {
  EXPECT_EQ(kind_of(Manner::dripping_body), "timeout");
}
TEST(HostileServer, an_endless_body_is_too_large) {
  EXPECT_EQ(kind_of(Manner::endless_body), "too large");
  EXPECT_EQ(kind_of(Manner::endless_chunks), "too large");
}
TEST(HostileServer, a_length_beyond_the_limit_is_too_large_before_it_comes) {
  EXPECT_EQ(kind_of(Manner::boast), "too large");
}
TEST(HostileServer, an_endless_head_is_no_http) {
  EXPECT_EQ(kind_of(Manner::endless_head), "protocol");
}
TEST(HostileServer, garbage_is_no_http) {
  EXPECT_EQ(kind_of(Manner::garbage), "protocol");
  EXPECT_EQ(kind_of(Manner::broken_chunk), "protocol");
}
TEST(HostileServer, a_length_that_lies_is_incomplete) {
  EXPECT_EQ(kind_of(Manner::short_body), "incomplete");
}
// What stands behind the length is nobody's, above all no answer to the next request.
TEST(HostileServer, what_comes_behind_the_length_is_dropped) {
  const Page page = asyncio::run(meet(Manner::long_body));
  EXPECT_EQ(page.status, 200);
  EXPECT_EQ(page.bytes, 5U);
}
TEST(HostileServer, a_connection_that_breaks_is_a_row) {
  for (const Manner manner : {Manner::reset, Manner::reset_in_the_body}) {
    const std::string kind = kind_of(manner);
    EXPECT_TRUE(kind == "reset" || kind == "incomplete") << kind;
  }
}

Coro<Pages> a_site(Options options) {
  http::Server server;
  int failures = 0;
  const auto add = [&](const std::string& path, const std::string& html) {
    server.route(path, [html](http::Request) -> Coro<http::Response> {
      co_return http::Response::html(html);
    });
  };
  add("/",
      "<a href=/loop/1>l</a><a href=/away>a</a><a href=/private/x>p</a><a href=/flaky>f</a>"
      "<a href=/a.txt>t</a><a href=/deep/1>d</a><a href='http://h.invalid/'>o</a>");
  server.route_prefix("/loop/", [](http::Request request) -> Coro<http::Response> {
    co_return http::Response::redirect(request.path == "/loop/1" ? "/loop/2" : "/loop/1");
  });
  server.route("/away", [](http::Request) -> Coro<http::Response> {
    co_return http::Response::redirect("http://h.invalid/");
  });
  server.route("/robots.txt", [](http::Request) -> Coro<http::Response> {
    co_return http::Response::text("User-agent: *\nDisallow: /private/\n");
  });
  server.route("/flaky", [&failures](http::Request) -> Coro<http::Response> {
    co_return http::Response::text("x", ++failures < 2 ? 503 : 200);
  });
  server.route("/a.txt", [](http::Request) -> Coro<http::Response> {
    co_return http::Response::text("<a href=/never>n</a>");
  });
  add("/deep/1", "<title>one</title><a href=/deep/2>d</a>");
  add("/deep/2", "<a href=/deep/3>d</a>");
  add("/deep/3", "");
  co_await server.start("127.0.0.1", 0);
  Pages pages = co_await harvest({server.url() + "/"}, options);
  co_await server.shutdown(5s);
  co_return pages;
}

TEST(Crawl, finds_a_site_and_only_that) {
  const Pages pages = asyncio::run(a_site(quick()));

  EXPECT_EQ(pages.at("/").links, 7U);
  EXPECT_EQ(pages.at("/deep/1").title, "one");
  EXPECT_EQ(pages.at("/deep/3").depth, 3);
  EXPECT_EQ(pages.at("/a.txt").status, 200);
  EXPECT_EQ(pages.at("/a.txt").links, 0U);
  EXPECT_FALSE(pages.contains("/never"));
  EXPECT_EQ(pages.at("/loop/1").error_kind, "redirects");
  EXPECT_EQ(pages.at("/private/x").error_kind, "robots");
  EXPECT_EQ(pages.at("/away").status, 302);
  EXPECT_EQ(pages.at("/away").redirected_to, "http://h.invalid/");
  EXPECT_EQ(pages.at("/flaky").status, 503);
  EXPECT_EQ(pages.size(), 9U);
}

TEST(Crawl, goes_no_deeper_than_told) {
  Options options = quick();
  options.depth = 1;
  const Pages pages = asyncio::run(a_site(options));

  EXPECT_TRUE(pages.contains("/deep/1"));
  EXPECT_FALSE(pages.contains("/deep/2"));
}

TEST(Crawl, tries_again_what_may_pass) {
  Options options = quick();
  options.retries = 1;
  const Pages pages = asyncio::run(a_site(options));

  EXPECT_EQ(pages.at("/flaky").status, 200);
  EXPECT_EQ(pages.at("/flaky").attempts, 2);
}

TEST(Crawl, ignores_robots_where_told) {
  Options options = quick();
  options.ignore_robots = true;
  EXPECT_EQ(asyncio::run(a_site(options)).at("/private/x").status, 404);
}

TEST(Crawl, what_cannot_be_reached_is_a_row) {
  Options options = quick();
  options.timeout = 5s;
  const Pages pages = asyncio::run(
      harvest({"http://127.0.0.1:1/refused", "http://host.invalid/dns", "https://127.0.0.1:1/none"},
              options));

  EXPECT_EQ(pages.at("/refused").error_kind, "refused");
  EXPECT_EQ(pages.at("/dns").error_kind, "dns");
  EXPECT_EQ(pages.at("/none").error_kind, "refused");
}

// ---- https

http::Server secure_server(const asyncio::testing::CertificateFiles& files) {
  http::ServerOptions options;
  options.ssl = asyncio::ssl::create_default_context(asyncio::ssl::Purpose::CLIENT_AUTH);
  options.ssl.load_cert_chain(files.certfile, files.keyfile);
  http::Server server(options);
  server.route("/", [](http::Request) -> Coro<http::Response> {
    co_return http::Response::html("<title>secret</title><a href='/next'>n</a>");
  });
  server.route("/next", [](http::Request) -> Coro<http::Response> {
    co_return http::Response::html("<title>next</title>");
  });
  return server;
}

Coro<Pages> harvest_secure(asyncio::testing::CertificateFiles files, Options options) {
  http::Server server = secure_server(files);
  co_await server.start("127.0.0.1", 0);
  Pages pages = co_await harvest({server.url() + "/"}, options);
  co_await server.shutdown(1s);
  co_return pages;
}

TEST(CrawlSecurely, follows_links_of_a_site_whose_ca_is_given) {
  const asyncio::testing::TestAuthority authority;
  Options options = quick();
  options.timeout = 5s;
  options.ca_file = authority.cafile();
  const Pages pages = asyncio::run(harvest_secure(authority.issue(), options));

  EXPECT_EQ(pages.at("/").title, "secret");
  EXPECT_EQ(pages.at("/next").title, "next");
}

TEST(CrawlSecurely, a_refused_certificate_is_a_row_that_says_why) {
  const asyncio::testing::TestAuthority authority;
  Options options = quick();
  options.timeout = 5s;
  const auto row = [&](const asyncio::testing::CertificateOptions& certificate) {
    const Pages pages = asyncio::run(harvest_secure(authority.issue(certificate), options));
    EXPECT_EQ(pages.at("/").error_kind, "tls");
    EXPECT_EQ(pages.at("/").attempts, 1);
    return pages.at("/").error;
  };
  const auto has = [](const std::string& text, const char* part) {
    return text.find(part) != std::string::npos;
  };
  EXPECT_PRED2(has, row({}), "unable to get local issuer certificate");
  options.ca_file = authority.cafile();
  EXPECT_PRED2(has, row({.names = {"other.test"}}), "certificate is not valid for '127.0.0.1'");
  EXPECT_PRED2(has, row({.self_signed = true}), "self-signed certificate");
  EXPECT_PRED2(has, row({.valid_from = -48h, .valid_until = -1h}), "certificate has expired");
}

TEST(CrawlSecurely, insecure_takes_any_certificate) {
  const asyncio::testing::TestAuthority authority;
  Options options = quick();
  options.timeout = 5s;
  options.insecure = true;
  const Pages pages = asyncio::run(
      harvest_secure(authority.issue({.names = {"other.test"}, .self_signed = true}), options));
  EXPECT_EQ(pages.at("/next").title, "next");
}

TEST(CrawlSecurely, a_handshake_that_is_never_answered_is_a_timeout) {
  const Pages pages = asyncio::run([](Options how) -> Coro<Pages> {
    asyncio::Server silent = co_await asyncio::start_server(
        [](asyncio::StreamReader, asyncio::StreamWriter) -> Coro<> {
          co_await asyncio::Event().wait();
        },
        "127.0.0.1", 0);
    const std::string port = std::to_string(silent.sockets()[0].port());
    Pages found = co_await harvest({"https://127.0.0.1:" + port + "/"}, how);
    silent.close();
    co_return found;
  }(quick()));
  EXPECT_EQ(pages.at("/").error_kind, "timeout");
}

TEST(CrawlSecurely, a_server_that_speaks_no_tls_is_a_row) {
  Options options = quick();
  options.timeout = 5s;
  const Pages pages = asyncio::run([](Options how) -> Coro<Pages> {
    http::Server plain;
    co_await plain.start("127.0.0.1", 0);
    const std::string url = "https://127.0.0.1:" + std::to_string(plain.port()) + "/";
    Pages found = co_await harvest({url}, how);
    co_await plain.shutdown(1s);
    co_return found;
  }(options));
  EXPECT_EQ(pages.at("/").error_kind, "tls");
}

}  // namespace
}  // namespace harvest
