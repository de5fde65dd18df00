// start_tls.cpp: what options mean, and TLS on a connection that began without it.
#include <optional>
#include <utility>

#include "asyncio/base/errors.hpp"
#include "asyncio/core/events.hpp"
#include "asyncio/net/internal/stream_state.hpp"
#include "asyncio/net/internal/tls_transport.hpp"
#include "asyncio/net/streams.hpp"

namespace asyncio {
namespace detail {
namespace {

template <class Options>
void check_no_timeouts(const Options& options) {
  if (options.ssl_handshake_timeout)
    throw ValueError("ssl_handshake_timeout is only meaningful with ssl");
  if (options.ssl_shutdown_timeout)
    throw ValueError("ssl_shutdown_timeout is only meaningful with ssl");
}

template <class Options>
TlsSetup setup_of(const Options& options) {
  return {.context = options.ssl,
          .handshake_timeout = options.ssl_handshake_timeout.value_or(ssl::kHandshakeTimeout),
          .shutdown_timeout = options.ssl_shutdown_timeout.value_or(ssl::kShutdownTimeout)};
}

std::shared_ptr<TlsTransport> make_layer(Loop& loop, const ssl::Context& context, bool server_side,
                                         const StartTlsOptions& options) {
  auto layer = std::make_shared<TlsTransport>(
      loop, TlsSetup{.context = context,
                     .server_side = server_side,
                     .server_hostname = options.server_hostname,
                     .handshake_timeout = options.ssl_handshake_timeout,
                     .shutdown_timeout = options.ssl_shutdown_timeout});
  layer->set_announce(false);
  return layer;
}

// Between the two nothing runs that could read or write past the layer.
Coro<> start_tls_on(StreamHandle handle, ssl::Context context, StartTlsOptions options) {
  StreamState& stream = handle.get("StreamWriter");
  const bool server_side = options.server_side.value_or(stream.is_accepted());
  Loop& loop = get_running_loop();
  const std::shared_ptr<TlsTransport> layer = make_layer(loop, context, server_side, options);
  co_await FlowWait(&stream, FlowWait::Kind::drain);
  const std::shared_ptr<Transport> below = stream.shared_transport();
  if (below->is_closing()) throw RuntimeError("Transport is closing");
  std::string received = stream.take_received();
  layer->start_stream(stream);
  co_await upgrade_transport(loop, below, layer, std::move(received));
}

Coro<std::shared_ptr<Transport>> start_tls_with(Loop& loop, std::shared_ptr<Transport> transport,
                                                std::shared_ptr<Protocol> protocol,
                                                ssl::Context context, StartTlsOptions options) {
  if (!transport) throw TypeError("start_tls() needs a transport, not a null pointer");
  if (transport->is_closing()) throw RuntimeError("Transport is closing");
  const std::shared_ptr<TlsTransport> layer =
      make_layer(loop, context, options.server_side.value_or(false), options);
  layer->set_protocol(std::move(protocol));
  co_await upgrade_transport(loop, std::move(transport), layer, {});
  co_return layer;
}

}  // namespace

std::optional<TlsSetup> client_setup(const ConnectOptions& options, const std::string& host) {
  if (!options.ssl) {
    if (options.server_hostname) throw ValueError("server_hostname is only meaningful with ssl");
    check_no_timeouts(options);
    return std::nullopt;
  }
  if (!options.server_hostname && host.empty())
    throw ValueError("You must set server_hostname when using ssl without a host");
  TlsSetup setup = setup_of(options);
  setup.server_hostname = options.server_hostname.value_or(host);
  return setup;
}

std::optional<TlsSetup> server_setup(const ServerOptions& options) {
  if (!options.ssl) {
    check_no_timeouts(options);
    return std::nullopt;
  }
  TlsSetup setup = setup_of(options);
  setup.server_side = true;
  return setup;
}

TlsTransport::Established tell(const Future<>& done) {
  return [done](std::exception_ptr error) {
    if (done.done()) return;  // whoever waited was cancelled
    if (error)
      done.set_exception(std::move(error));
    else
      done.set_result();
  };
}

Coro<> upgrade_transport(Loop& loop, std::shared_ptr<Transport> below,
                         std::shared_ptr<TlsTransport> layer, std::string received) {
  Future<> done(loop);
  done.state()->set_purpose(FuturePurpose::handshake);
  layer->attach(below, tell(done));
  below->set_protocol(layer);
  layer->begin(std::move(received));
  below->resume_reading();
  try {
    co_await done;
  } catch (...) {
    layer->abort();
    throw;
  }
}

}  // namespace detail

ASYNCIO_CORO_WRAPPER Coro<> StreamWriter::start_tls(ssl::Context context, StartTlsOptions options) {
  return detail::start_tls_on(detail::StreamHandle(state()), std::move(context),
                              std::move(options));
}

ASYNCIO_CORO_WRAPPER Coro<std::shared_ptr<Transport>> Loop::start_tls(
    std::shared_ptr<Transport> transport, std::shared_ptr<Protocol> protocol,
    ssl::Context sslcontext) {
  return detail::start_tls_with(*this, std::move(transport), std::move(protocol),
                                std::move(sslcontext), {});
}

ASYNCIO_CORO_WRAPPER Coro<std::shared_ptr<Transport>> Loop::start_tls(
    std::shared_ptr<Transport> transport, std::shared_ptr<Protocol> protocol,
    ssl::Context sslcontext, StartTlsOptions options) {
  return detail::start_tls_with(*this, std::move(transport), std::move(protocol),
                                std::move(sslcontext), std::move(options));
}

}  // namespace asyncio
