// context_test.cpp: what a context is told, and what it says about files that are wrong.
#include <fstream>

#include "asyncio/net/tls/internal/test_support.hpp"

namespace asyncio {
namespace {

using namespace tls_test;

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

TEST(SslContext, the_default_one_verifies_and_takes_nothing_older_than_tls_1_2) {
  const ssl::Context context = ssl::create_default_context();
  EXPECT_EQ(context.verify_mode(), ssl::CERT_REQUIRED);
  EXPECT_TRUE(context.check_hostname());
  EXPECT_EQ(context.minimum_version(), ssl::TLSVersion::TLSv1_2);
  EXPECT_EQ(context.maximum_version(), ssl::TLSVersion::MAXIMUM_SUPPORTED);
  EXPECT_EQ(context.repr(), "<SslContext client verify_mode=CERT_REQUIRED check_hostname>");
  const ssl::Context server = ssl::create_default_context(ssl::Purpose::CLIENT_AUTH);
  EXPECT_EQ(server.verify_mode(), ssl::CERT_NONE);
  EXPECT_EQ(server.repr(), "<SslContext server verify_mode=CERT_NONE>");
}

TEST(SslContext, verification_cannot_be_switched_off_while_names_are_checked) {
  ssl::Context context(ssl::PROTOCOL_TLS_CLIENT);
  EXPECT_EQ(error_of([&] { context.set_verify_mode(ssl::CERT_NONE); }),
            "ValueError: Cannot set verify_mode to CERT_NONE when check_hostname is enabled.");
  context.set_check_hostname(false);
  context.set_verify_mode(ssl::CERT_NONE);
  context.set_check_hostname(true);
  EXPECT_EQ(context.verify_mode(), ssl::CERT_REQUIRED);
}

TEST(SslContext, verify_flags_are_pythons_and_can_be_taken_back) {
  ssl::Context context(ssl::PROTOCOL_TLS_CLIENT);
  const ssl::VerifyFlags before = context.verify_flags();
  EXPECT_EQ(before, ssl::VERIFY_X509_TRUSTED_FIRST | ssl::VERIFY_X509_PARTIAL_CHAIN);
  context.set_verify_flags(before | ssl::VERIFY_CRL_CHECK_CHAIN | ssl::VERIFY_X509_STRICT);
  EXPECT_EQ(context.verify_flags(), before | ssl::VERIFY_CRL_CHECK_CHAIN | ssl::VERIFY_X509_STRICT);
  context.set_verify_flags(before);
  EXPECT_EQ(context.verify_flags(), before);
}

TEST(SslContext, true_is_one_default_context_and_false_is_none) {
  const ssl::Context first = true;
  const ssl::Context second = true;
  EXPECT_EQ(first, second);
  EXPECT_FALSE(ssl::Context(false));
  EXPECT_EQ(first_line(error_of([] { static_cast<void>(ssl::Context().verify_mode()); })),
            "RuntimeError: this ssl::Context is empty");
}

TEST(SslContext, versions_are_what_they_were_set_to) {
  ssl::Context context(ssl::PROTOCOL_TLS_SERVER);
  context.set_minimum_version(ssl::TLSVersion::TLSv1_3);
  EXPECT_EQ(context.minimum_version(), ssl::TLSVersion::TLSv1_3);
  context.set_minimum_version(ssl::TLSVersion::MINIMUM_SUPPORTED);
  EXPECT_EQ(context.minimum_version(), ssl::TLSVersion::MINIMUM_SUPPORTED);
  context.set_maximum_version(ssl::TLSVersion::TLSv1_2);
  EXPECT_EQ(context.maximum_version(), ssl::TLSVersion::TLSv1_2);
}

// ---- files

TEST(SslContext, a_missing_file_is_named) {
  ssl::Context context(ssl::PROTOCOL_TLS_SERVER);
  EXPECT_EQ(error_of([&] { context.load_cert_chain("/no/such.pem"); }),
            "FileNotFoundError: [Errno 2] No such file or directory: '/no/such.pem'");
  EXPECT_EQ(error_of([&] { context.load_verify_locations({.cafile = "/no/such.pem"}); }),
            "FileNotFoundError: [Errno 2] No such file or directory: '/no/such.pem'");
  EXPECT_EQ(error_of([&] { context.load_verify_locations({}); }),
            "TypeError: cafile, capath and cadata cannot be all omitted");
}

TEST(SslContext, a_key_of_another_certificate_is_refused_by_name) {
  ssl::Context context(ssl::PROTOCOL_TLS_SERVER);
  const auto one = authority().issue();
  const auto other = authority().issue();
  const std::string error = error_of([&] { context.load_cert_chain(one.certfile, other.keyfile); });
  EXPECT_EQ(first_line(error), "SslError: [X509: KEY_VALUES_MISMATCH] key values mismatch");
  EXPECT_NE(error.find(other.keyfile), std::string::npos) << error;
  EXPECT_NE(error.find(one.certfile), std::string::npos) << error;
}

TEST(SslContext, an_encrypted_key_needs_its_password_and_never_asks_the_terminal) {
  const auto files = authority().issue({.password = "correct horse"});
  ssl::Context context(ssl::PROTOCOL_TLS_SERVER);
  const std::string none =
      error_of([&] { context.load_cert_chain(files.certfile, files.keyfile); });
  EXPECT_NE(none.find("key: " + files.keyfile), std::string::npos) << none;
  EXPECT_NE(none.find("the key is encrypted: pass its password"), std::string::npos) << none;
  const std::string wrong =
      error_of([&] { context.load_cert_chain(files.certfile, files.keyfile, "battery"); });
  EXPECT_NE(wrong.find("and the password is wrong"), std::string::npos) << wrong;
  EXPECT_EQ(
      error_of([&] { context.load_cert_chain(files.certfile, files.keyfile, "correct horse"); }),
      "");
}

TEST(SslContext, a_file_that_is_no_pem_is_named_with_the_cure) {
  const std::string path = authority().folder() + "/not.pem";
  std::ofstream(path) << "hello\n";
  ssl::Context context(ssl::PROTOCOL_TLS_SERVER);
  const std::string certificate = error_of([&] { context.load_cert_chain(path); });
  EXPECT_EQ(certificate.substr(0, 9), "SslError:");
  EXPECT_NE(certificate.find("certificate: " + path), std::string::npos) << certificate;
  EXPECT_NE(certificate.find("in PEM form"), std::string::npos) << certificate;
  const std::string ca = error_of([&] { context.load_verify_locations({.cafile = path}); });
  EXPECT_NE(ca.find("CA file: " + path), std::string::npos) << ca;
  const std::string data = error_of([&] { context.load_verify_locations({.cadata = "hello"}); });
  EXPECT_NE(data.find("cadata"), std::string::npos) << data;
}

TEST(SslContext, a_weak_certificate_is_not_even_served) {
  const auto files = authority().issue({.rsa_bits = 1024});
  ssl::Context context(ssl::PROTOCOL_TLS_SERVER);
  const std::string error =
      error_of([&] { context.load_cert_chain(files.certfile, files.keyfile); });
  EXPECT_EQ(first_line(error), "SslError: [SSL: EE_KEY_TOO_SMALL] ee key too small");
}

TEST(SslContext, settings_that_openssl_does_not_know_are_refused) {
  ssl::Context context(ssl::PROTOCOL_TLS_CLIENT);
  EXPECT_EQ(first_line(error_of([&] { context.set_ciphers("no-such"); })),
            "SslError: [SSL: NO_CIPHER_MATCH] no cipher match");
  EXPECT_EQ(error_of([&] { context.set_alpn_protocols({"h2", ""}); }),
            "ValueError: ALPN protocols must be 1 to 255 bytes long, not 0");
  EXPECT_EQ(error_of([&] {
              context.set_sni_callback([](SslObject&, std::string_view, const ssl::Context&) {});
            }),
            "ValueError: only a server's context has an SNI callback: PROTOCOL_TLS_SERVER");
}

// ---- what a connection tells

TEST(SslObject, tells_version_cipher_certificate_and_name) {
  run([]() -> Coro<> {
    Ends ends = co_await connected_tls();
    const SslObject client = ends.client.writer.ssl_object();
    EXPECT_EQ(client.version(), "TLSv1.3");
    EXPECT_EQ(client.cipher().value().protocol, "TLSv1.3");
    EXPECT_GE(client.cipher().value().secret_bits, 128);
    EXPECT_EQ(client.compression(), std::nullopt);
    EXPECT_EQ(client.server_hostname(), "localhost");
    EXPECT_FALSE(client.server_side());
    const ssl::Certificate certificate = client.getpeercert().value();
    EXPECT_EQ(certificate.subject, (ssl::Certificate::Names{{"commonName", "localhost"}}));
    EXPECT_EQ(certificate.issuer, (ssl::Certificate::Names{{"commonName", "asyncio test CA"}}));
    EXPECT_EQ(certificate.subject_alt_name,
              (ssl::Certificate::Names{
                  {"DNS", "localhost"}, {"IP Address", "127.0.0.1"}, {"IP Address", "::1"}}));
    EXPECT_EQ(certificate.version, 3);
    EXPECT_FALSE(certificate.der.empty());
    const SslObject server = ends.served.writer.ssl_object();
    EXPECT_EQ(server.server_hostname(), "localhost");  // by SNI
    EXPECT_EQ(server.getpeercert(), std::nullopt);
    EXPECT_EQ(client.repr(), "<SslObject client of localhost TLSv1.3>");
    ends.client.writer.close();
    co_await ends.client.writer.wait_closed();
    EXPECT_EQ(ends.client.writer.ssl_object().version(), "TLSv1.3");  // known afterwards, too
  }());
}

TEST(SslObject, a_plain_connection_has_an_empty_one) {
  run([]() -> Coro<> {
    Ends ends = co_await connected();
    EXPECT_FALSE(ends.client.writer.ssl_object());
    EXPECT_EQ(
        first_line(error_of([&] { static_cast<void>(ends.client.writer.ssl_object().version()); })),
        "RuntimeError: this connection is not TLS: its SslObject is empty");
  }());
}

TEST(Alpn, the_server_s_order_decides_and_nothing_in_common_is_nothing) {
  run([]() -> Coro<> {
    ssl::Context client = client_context();
    ssl::Context server = server_context();
    client.set_alpn_protocols({"http/1.1", "h2", "spdy"});
    server.set_alpn_protocols({"h3", "h2", "http/1.1"});
    Ends ends = co_await connected_by(client, server);
    EXPECT_EQ(ends.client.writer.ssl_object().selected_alpn_protocol(), "h2");
    EXPECT_EQ(ends.served.writer.ssl_object().selected_alpn_protocol(), "h2");
    client.set_alpn_protocols({"ftp"});
    Ends others = co_await connected_by(client, server);
    EXPECT_EQ(others.client.writer.ssl_object().selected_alpn_protocol(), std::nullopt);
  }());
}

// ---- SNI

TEST(Sni, the_callback_chooses_another_certificate_by_name) {
  run([]() -> Coro<> {
    ssl::Context other = server_with(authority().issue({.names = {"other.test"}}));
    ssl::Context server = server_context();
    std::string asked;
    server.set_sni_callback([&](SslObject& object, std::string_view name, const ssl::Context&) {
      asked = name;
      if (name == "other.test") object.set_context(other);
    });
    Listening there = co_await listening({.ssl = server});
    ConnectOptions to{.ssl = client_context(), .server_hostname = "other.test"};
    Connection client = co_await open_connection("127.0.0.1", there.port, to);
    EXPECT_EQ(asked, "other.test");
    const auto names = client.writer.ssl_object().getpeercert().value().subject_alt_name;
    EXPECT_EQ(names, (ssl::Certificate::Names{{"DNS", "other.test"}}));
  }());
}

TEST(Sni, the_callback_can_refuse_a_name) {
  run([]() -> Coro<> {
    ssl::Context server = server_context();
    server.set_sni_callback([](SslObject&, std::string_view, const ssl::Context&) {
      return ssl::AlertDescription::unrecognized_name;
    });
    Listening there = co_await listening({.ssl = server});
    const std::string error =
        co_await error_of(open_connection("localhost", there.port, {.ssl = client_context()}));
    EXPECT_EQ(first_line(error),
              "SslError: [SSL: TLSV1_UNRECOGNIZED_NAME] tlsv1 unrecognized name");
  }());
}

TEST(Sni, an_exception_of_the_callback_fails_the_handshake_and_is_reported) {
  run([]() -> Coro<> {
    std::string reported;
    get_running_loop().set_exception_handler(
        [&](Loop&, const ExceptionContext& context) { reported = describe(context.exception); });
    ssl::Context server = server_context();
    server.set_sni_callback(
        [](SslObject&, std::string_view, const ssl::Context&) { throw RuntimeError("a bug"); });
    Listening there = co_await listening({.ssl = server});
    const std::string error =
        co_await error_of(open_connection("localhost", there.port, {.ssl = client_context()}));
    EXPECT_EQ(error.substr(0, 9), "SslError:");
    EXPECT_EQ(reported, "RuntimeError: a bug");
  }());
}

// ---- sessions

Coro<bool> visit(ssl::Context client, int port) {
  Connection connection = co_await open_connection("localhost", port, {.ssl = client});
  connection.writer.write("x\n");
  static_cast<void>(co_await connection.reader.readline());  // behind the tickets
  const bool reused = connection.writer.ssl_object().session_reused();
  connection.writer.close();
  co_await connection.writer.wait_closed();
  co_return reused;
}

Coro<> echo_line(StreamReader reader, StreamWriter writer) {
  writer.write(co_await reader.readline());
  static_cast<void>(co_await reader.read());
}

TEST(Sessions, the_second_connection_to_a_host_is_a_resumed_one) {
  for (const ssl::TLSVersion version : {ssl::TLSVersion::TLSv1_2, ssl::TLSVersion::TLSv1_3}) {
    run([](ssl::TLSVersion chosen) -> Coro<> {
      ssl::Context client = client_context();
      client.set_maximum_version(chosen);
      Server server = co_await start_server(echo_line, "127.0.0.1", 0, {.ssl = server_context()});
      const int port = server.sockets()[0].port();
      EXPECT_FALSE(co_await visit(client, port));
      EXPECT_GT(client.cached_sessions(), 0U);
      EXPECT_TRUE(co_await visit(client, port));
      EXPECT_TRUE(co_await visit(client, port));
      client.set_session_cache(false);
      EXPECT_EQ(client.cached_sessions(), 0U);
      EXPECT_FALSE(co_await visit(client, port));
    }(version));
  }
}

// Otherwise what was let in without a look would stay in.
TEST(Sessions, stricter_rules_forget_the_sessions_made_under_laxer_ones) {
  run([]() -> Coro<> {
    Server server = co_await start_server(echo_line, "127.0.0.1", 0, {.ssl = server_context()});
    ssl::Context client(ssl::PROTOCOL_TLS_CLIENT);
    client.set_check_hostname(false);
    client.set_verify_mode(ssl::CERT_NONE);
    static_cast<void>(co_await visit(client, server.sockets()[0].port()));
    EXPECT_GT(client.cached_sessions(), 0U);
    client.set_check_hostname(true);
    EXPECT_EQ(client.cached_sessions(), 0U);
    EXPECT_EQ((co_await error_of(visit(client, server.sockets()[0].port()))).substr(0, 25),
              "SslCertVerificationError:");
  }());
}

// ---- client certificates

TEST(ClientCertificates, a_server_that_requires_one_gets_it_or_refuses) {
  run([]() -> Coro<> {
    ssl::Context server = server_context();
    server.set_verify_mode(ssl::CERT_REQUIRED);
    server.load_verify_locations({.cafile = authority().cafile()});
    ssl::Context client = client_context();
    const auto mine = authority().issue({.names = {"somebody"}});
    client.load_cert_chain(mine.certfile, mine.keyfile);
    Ends ends = co_await connected_by(client, server);
    EXPECT_EQ(ends.served.writer.ssl_object().getpeercert().value().subject_alt_name,
              (ssl::Certificate::Names{{"DNS", "somebody"}}));
    // TLS 1.3: the client is done before the server has refused; the first read tells.
    Listening there = co_await listening({.ssl = server});
    Connection nobody =
        co_await open_connection("localhost", there.port, {.ssl = client_context()});
    const std::string error = co_await error_of(nobody.reader.read(1));
    EXPECT_NE(error.find("tlsv13 alert certificate required"), std::string::npos) << error;
    EXPECT_NE(error.find("load_cert_chain() on its context"), std::string::npos) << error;
    EXPECT_FALSE(there.arrived.done());
  }());
}

TEST(ClientCertificates, an_optional_one_may_be_missing_but_not_wrong) {
  run([]() -> Coro<> {
    ssl::Context server = server_context();
    server.set_verify_mode(ssl::CERT_OPTIONAL);
    server.load_verify_locations({.cafile = authority().cafile()});
    Ends without = co_await connected_by(client_context(), server);
    EXPECT_EQ(without.served.writer.ssl_object().getpeercert(), std::nullopt);
    const TestAuthority stranger("a stranger");
    const auto files = stranger.issue();
    ssl::Context client = client_context();
    client.load_cert_chain(files.certfile, files.keyfile);
    Listening there = co_await listening({.ssl = server});
    Connection wrong = co_await open_connection("localhost", there.port, {.ssl = client});
    const std::string error = co_await error_of(wrong.reader.read(1));
    EXPECT_NE(error.find("unknown ca"), std::string::npos) << error;
  }());
}

}  // namespace
}  // namespace asyncio
