// tls_transport.hpp: the layer between a socket's transport and a stream or a protocol. To the
// one it is a protocol, to the other a transport. Implemented in tls/, beside OpenSSL.
//
//   made --begin()--> handshaking --established()--> open --start_shutdown()--> closing --+
//                        |                            |        (close_notify is out)      |
//                        +---- fail() ----------------+---- fail(), abort() --------------+
//                                                                                         |
//                                       connection_lost() of the transport below --> lost <
//
// What is written is encrypted at once; back-pressure is the transport's below, counted in
// ciphertext. What comes while reading is paused waits here, encrypted.
#pragma once
#include <cstdint>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "asyncio/core/events.hpp"
#include "asyncio/net/internal/stream_state.hpp"
#include "asyncio/net/servers.hpp"
#include "asyncio/net/tls/ssl.hpp"
#include "asyncio/net/transports.hpp"

namespace asyncio::detail {

// A transport on top of another one.
class TransportLayer : public Transport, public Protocol {
 public:
  virtual void loop_closed() noexcept = 0;  // the transport below is gone without a word
};

struct TlsSetup {
  ssl::Context context;
  bool server_side = false;
  std::string server_hostname = {};
  Duration handshake_timeout = ssl::kHandshakeTimeout;
  Duration shutdown_timeout = ssl::kShutdownTimeout;
};

class TlsTransport final : public TransportLayer,
                           public std::enable_shared_from_this<TlsTransport> {
 public:
  // Called once: null when the handshake is done, else why it will not be.
  using Established = std::function<void(std::exception_ptr)>;

  // Throws ValueError for a setup that cannot work.
  TlsTransport(Loop& loop, TlsSetup setup);
  ~TlsTransport() override;

  // The transport below; it gets this as its protocol, and calls connection_made() or, where it
  // has done so already, begin() is called by the user.
  void attach(std::shared_ptr<Transport> below, Established established);
  void begin(std::string received = {});   // bytes that came too early for us
  void start_stream(StreamState& stream);  // whose transport this is from now on
  // false: the protocol has heard of its connection before (start_tls).
  void set_announce(bool announce) noexcept { announce_ = announce; }

  // ---- Transport
  void write(std::string_view data) override;
  using Transport::writelines;
  void writelines(std::span<const std::string_view> parts) override;
  void write_eof() override;  // throws NotImplementedError, as Python's
  bool can_write_eof() const override { return false; }
  void pause_reading() override;
  void resume_reading() override;
  bool is_reading() const override { return !is_closing() && !reading_paused_; }
  void close() override;
  void abort() override;
  bool is_closing() const override;
  void set_protocol(std::shared_ptr<Protocol> protocol) override;
  std::shared_ptr<Protocol> get_protocol() const override { return app_; }
  Address peername() const override;
  Address sockname() const override;
  int fileno() const override { return below_ ? below_->fileno() : -1; }
  std::size_t get_write_buffer_size() const override;
  std::pair<std::size_t, std::size_t> get_write_buffer_limits() const override;
  void set_write_buffer_limits(WriteBufferLimits limits) override;
  SslObject ssl_object() const override { return SslObject(engine_); }
  std::shared_ptr<Transport> share() override { return shared_from_this(); }
  std::string repr() const override;

  // ---- Protocol, to the transport below
  void connection_made(Transport&) override { begin(); }
  void data_received(std::string_view data) override;
  bool eof_received() override;
  void connection_lost(std::exception_ptr error) override;
  void pause_writing() override;
  void resume_writing() override;
  void loop_closed() noexcept override;

 private:
  enum class State : std::uint8_t { made, handshaking, open, closing, failed, lost };

  void arm(Duration timeout, void (TlsTransport::*expired)());
  void handshake_expired();
  void shutdown_expired();
  void advance_handshake();
  void established();
  void announce();
  void tell_established(std::exception_ptr error);
  void process(std::string_view data);
  void pump();
  bool read_some();
  bool read_buffered();
  bool discard_some();
  bool after_read(bool closed_by_peer, std::exception_ptr error);
  void deliver(std::string_view data);
  void peer_closed();
  void end_of_input();
  void start_shutdown();
  void fail(std::exception_ptr error);
  void encrypt(std::string_view data);
  void send_output();
  void read_on();

  Loop& loop_;
  std::shared_ptr<TlsEngine> engine_;
  std::shared_ptr<Transport> below_;
  StreamState* stream_ = nullptr;  // counted; null where there is a protocol
  std::shared_ptr<Protocol> app_;
  BufferedProtocol* buffered_ = nullptr;  // app_, where it is one
  Established established_;
  std::exception_ptr error_;  // for connection_lost()
  std::string backlog_;       // written before the handshake was done
  std::string pending_;       // ciphertext that came while reading was paused
  TimerHandle timer_;         // of the handshake, then of the shutdown
  Duration handshake_timeout_;
  Duration shutdown_timeout_;
  State state_ = State::made;
  bool announce_ = true;
  bool announced_ = false;  // the protocol has heard of the connection
  bool reading_paused_ = false;
  bool read_queued_ = false;
  bool peer_closed_ = false;  // its close_notify has come
  bool end_pending_ = false;  // the socket ended behind pending_
};

// What the options ask for; nullopt for a plain connection. Throw ValueError where they contradict
// each other. `host`: what the client connects to; empty where it is none.
std::optional<TlsSetup> client_setup(const ConnectOptions& options, const std::string& host);
std::optional<TlsSetup> server_setup(const ServerOptions& options);

// Completes the future, where nobody has cancelled it meanwhile.
TlsTransport::Established tell(const Future<>& done);

// Upgrades a transport that is connected already. `received`: what came too early, as ciphertext.
// Closes it where the handshake fails.
Coro<> upgrade_transport(Loop& loop, std::shared_ptr<Transport> below,
                         std::shared_ptr<TlsTransport> layer, std::string received);

}  // namespace asyncio::detail
