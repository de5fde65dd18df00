// verification_test.cpp: which certificates are refused, and that the error says which and what
// helps. Every certificate is made here, at run time.
#include "asyncio/net/tls/internal/test_support.hpp"

namespace asyncio {
namespace {

using namespace tls_test;

// A server that would show anything to anybody.
ssl::Context careless_server(const testing::CertificateFiles& files) {
  ssl::Context context(ssl::PROTOCOL_TLS_SERVER);
  context.set_ciphers("ALL:@SECLEVEL=0");
  context.set_minimum_version(ssl::TLSVersion::TLSv1);
  context.load_cert_chain(files.certfile, files.keyfile);
  return context;
}

struct Refusal {
  int code = 0;
  std::string message;
  std::string text;
};

Coro<Refusal> refusal(ssl::Context client, ssl::Context server, std::string host) {
  Listening there = co_await listening({.ssl = server});
  Refusal result;
  try {
    ConnectOptions to;
    to.ssl = client;
    to.server_hostname = host;
    static_cast<void>(co_await open_connection("127.0.0.1", there.port, to));
  } catch (const SslCertVerificationError& error) {
    EXPECT_EQ(error.reason(), "CERTIFICATE_VERIFY_FAILED");
    EXPECT_EQ(error.subject(), host);
    result = {error.verify_code(), error.verify_message(), error.what()};
  } catch (const SslError& error) {
    result.text = error.what();
  }
  EXPECT_FALSE(there.arrived.done());
  co_return result;
}

Coro<Refusal> refusal_of(testing::CertificateFiles files, std::string host = "localhost") {
  co_return co_await refusal(client_context(), careless_server(files), host);
}

bool says(const Refusal& refused, std::string_view part) {
  return refused.text.find(part) != std::string::npos;
}

TEST(Verification, a_good_certificate_is_taken_by_name_and_by_address) {
  run([]() -> Coro<> {
    Listening there = co_await listening({.ssl = server_context()});
    for (const char* host : {"localhost", "127.0.0.1", "::1", "LOCALHOST", "localhost."}) {
      ConnectOptions to{.ssl = client_context(), .server_hostname = host};
      EXPECT_EQ(co_await error_of(open_connection("127.0.0.1", there.port, to)), "") << host;
    }
  }());
}

TEST(Verification, an_intermediate_that_is_sent_along_completes_the_chain) {
  run([]() -> Coro<> {
    const TestAuthority below = authority().intermediate().intermediate("second");
    Ends ends = co_await connected_by(client_context(), server_with(below.issue()));
    ends.client.writer.write("x");
    EXPECT_EQ(co_await ends.served.reader.read(1), "x");
  }());
}

TEST(Verification, an_expired_certificate_is_refused) {
  run([]() -> Coro<> {
    const auto refused = co_await refusal_of(authority().issue(
        {.valid_from = std::chrono::hours(-48), .valid_until = std::chrono::hours(-24)}));
    EXPECT_EQ(refused.code, 10);
    EXPECT_EQ(refused.message, "certificate has expired");
    EXPECT_TRUE(says(refused,
                     "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: "
                     "certificate has expired\n  host: localhost\n  wrong: expired: "));
    EXPECT_TRUE(says(refused, "was valid until ")) << refused.text;
    EXPECT_TRUE(says(refused, "\n  cure: renew it")) << refused.text;
  }());
}

TEST(Verification, a_certificate_from_the_future_is_refused) {
  run([]() -> Coro<> {
    const auto refused = co_await refusal_of(authority().issue(
        {.valid_from = std::chrono::hours(24), .valid_until = std::chrono::hours(48)}));
    EXPECT_EQ(refused.message, "certificate is not yet valid");
    EXPECT_TRUE(says(refused, "wrong: not yet valid: ")) << refused.text;
  }());
}

TEST(Verification, a_self_signed_certificate_is_refused) {
  run([]() -> Coro<> {
    const auto refused = co_await refusal_of(authority().issue({.self_signed = true}));
    EXPECT_EQ(refused.code, 18);
    EXPECT_EQ(refused.message, "self-signed certificate");
    EXPECT_TRUE(says(refused, "wrong: self-signed: ")) << refused.text;
    EXPECT_TRUE(says(refused, "load_verify_locations(")) << refused.text;
  }());
}

TEST(Verification, a_self_signed_certificate_that_is_trusted_is_taken) {
  run([]() -> Coro<> {
    const auto files = authority().issue({.self_signed = true});
    ssl::Context client =
        ssl::create_default_context(ssl::Purpose::SERVER_AUTH, {.cafile = files.certfile});
    Ends ends = co_await connected_by(client, server_with(files));
    EXPECT_TRUE(ends.client.writer.ssl_object());
  }());
}

TEST(Verification, a_certificate_for_another_host_is_refused) {
  run([]() -> Coro<> {
    const auto refused = co_await refusal_of(
        authority().issue({.names = {"good.test", "*.wild.test"}}), "evil.test");
    EXPECT_EQ(refused.code, 62);
    EXPECT_EQ(refused.message, "Hostname mismatch, certificate is not valid for 'evil.test'.");
    EXPECT_TRUE(says(refused,
                     "wrong host: the certificate is for 'good.test', '*.wild.test', not "
                     "for 'evil.test'"))
        << refused.text;
  }());
}

TEST(Verification, a_wildcard_stands_for_one_whole_label) {
  run([]() -> Coro<> {
    const auto files = authority().issue({.names = {"*.wild.test"}});
    EXPECT_EQ((co_await refusal_of(files, "a.b.wild.test")).code, 62);
    EXPECT_EQ((co_await refusal_of(files, "wild.test")).code, 62);
    Listening there = co_await listening({.ssl = server_with(files)});
    ConnectOptions to{.ssl = client_context(), .server_hostname = "a.wild.test"};
    EXPECT_EQ(co_await error_of(open_connection("127.0.0.1", there.port, to)), "");
  }());
}

TEST(Verification, a_certificate_for_another_address_is_refused) {
  run([]() -> Coro<> {
    const auto refused =
        co_await refusal_of(authority().issue({.names = {"10.0.0.1"}}), "127.0.0.1");
    EXPECT_EQ(refused.code, 64);
    EXPECT_EQ(refused.message, "IP address mismatch, certificate is not valid for '127.0.0.1'.");
  }());
}

TEST(Verification, a_chain_of_an_unknown_authority_is_refused) {
  run([]() -> Coro<> {
    const TestAuthority stranger("a stranger");
    const auto refused = co_await refusal_of(stranger.intermediate("below").issue());
    EXPECT_EQ(refused.code, 20);
    EXPECT_TRUE(says(refused,
                     "wrong: untrusted: the chain ends at 'below', whose issuer "
                     "'a stranger' is not among the trusted"))
        << refused.text;
  }());
}

TEST(Verification, a_missing_intermediate_is_refused_and_named) {
  run([]() -> Coro<> {
    const auto refused =
        co_await refusal_of(authority().intermediate("middle").issue({.with_chain = false}));
    EXPECT_EQ(refused.message, "unable to get local issuer certificate");
    EXPECT_TRUE(says(refused,
                     "wrong: incomplete chain or untrusted: the server did not send the "
                     "certificate of the issuer, 'middle'"))
        << refused.text;
    EXPECT_TRUE(says(refused, "let the server send its whole chain")) << refused.text;
  }());
}

TEST(Verification, a_small_key_is_refused_as_weak) {
  run([]() -> Coro<> {
    const auto refused = co_await refusal_of(authority().issue({.rsa_bits = 1024}));
    EXPECT_EQ(refused.message, "EE certificate key too weak");
    EXPECT_TRUE(says(refused, "wrong: weak: the certificate of 'localhost' has a key of 1024 bits"))
        << refused.text;
  }());
}

TEST(Verification, a_sha1_signature_is_refused_as_weak) {
  run([]() -> Coro<> {
    const auto refused = co_await refusal_of(authority().issue({.digest = "SHA1"}));
    EXPECT_EQ(refused.message, "CA signature digest algorithm too weak");
    EXPECT_TRUE(says(refused, "wrong: weak: ")) << refused.text;
    EXPECT_TRUE(says(refused, "SHA1")) << refused.text;
  }());
}

TEST(Verification, an_old_protocol_is_refused_as_weak) {
  run([]() -> Coro<> {
    ssl::Context server = careless_server(authority().issue({.rsa_bits = 2048}));
    server.set_maximum_version(ssl::TLSVersion::TLSv1_1);
    const Refusal refused = co_await refusal(client_context(), server, "localhost");
    EXPECT_TRUE(says(refused, "protocol")) << refused.text;
    EXPECT_TRUE(says(refused, "speaks only old, weak protocols")) << refused.text;
  }());
}

TEST(Verification, who_asks_for_none_gets_none) {
  run([]() -> Coro<> {
    ssl::Context client = ssl::create_default_context();
    client.set_check_hostname(false);
    client.set_verify_mode(ssl::CERT_NONE);
    const auto files = authority().issue({.names = {"elsewhere.test"}, .self_signed = true});
    Ends ends = co_await connected_by(client, server_with(files));
    ends.client.writer.write("x");
    EXPECT_EQ(co_await ends.served.reader.read(1), "x");
  }());
}

TEST(Verification, a_name_must_be_given_where_it_is_checked) {
  run([]() -> Coro<> {
    Listening there = co_await listening({.ssl = server_context()});
    ConnectOptions to{.ssl = client_context(), .server_hostname = ""};
    EXPECT_EQ(co_await error_of(open_connection("127.0.0.1", there.port, to)),
              "ValueError: check_hostname requires server_hostname");
    to.server_hostname = ".localhost";
    EXPECT_EQ((co_await error_of(open_connection("127.0.0.1", there.port, to))).substr(0, 11),
              "ValueError:");
  }());
}

// Both sides of the question: what is revoked is refused, what is not is taken.
TEST(Verification, a_revoked_certificate_is_refused_where_lists_are_looked_at) {
  run([]() -> Coro<> {
    const testing::CertificateFiles good = authority().issue();
    const testing::CertificateFiles bad = authority().issue();
    ssl::Context client = client_context();
    client.set_verify_flags(client.verify_flags() | ssl::VERIFY_CRL_CHECK_LEAF);
    const auto without = co_await refusal(client, server_with(good), "localhost");
    EXPECT_EQ(without.message, "unable to get certificate CRL");
    EXPECT_TRUE(says(without, "cure: load_verify_locations(")) << without.text;

    client.load_verify_locations({.cafile = authority().revocation_list({bad})});
    const auto refused = co_await refusal(client, server_with(bad), "localhost");
    EXPECT_EQ(refused.message, "certificate revoked");
    EXPECT_TRUE(says(refused, "wrong: revoked: ")) << refused.text;
    Ends ends = co_await connected_by(client, server_with(good));
    ends.client.writer.write("x");
    EXPECT_EQ(co_await ends.served.reader.read(1), "x");
  }());
}

}  // namespace
}  // namespace asyncio
