// The same echo server on libuv: callbacks, one buffer for all reads, uv_try_write first.
#include <uv.h>

#include <array>
#include <cstdlib>
#include <cstring>

#include "bench/support/net/serving.hpp"

namespace {

std::array<char, 65536> buffer;
bool is_unix = false;

void release(uv_handle_t* handle) {
  if (is_unix)
    delete reinterpret_cast<uv_pipe_t*>(handle);
  else
    delete reinterpret_cast<uv_tcp_t*>(handle);
}

void lend(uv_handle_t*, std::size_t, uv_buf_t* room) {
  *room = uv_buf_init(buffer.data(), static_cast<unsigned>(buffer.size()));
}

struct Rest {
  uv_write_t request;
  char* bytes;
};

void keep_the_rest(uv_stream_t* client, const char* data, std::size_t size) {
  auto* const rest = new Rest{{}, static_cast<char*>(std::malloc(size))};
  std::memcpy(rest->bytes, data, size);
  rest->request.data = rest;
  uv_buf_t part = uv_buf_init(rest->bytes, static_cast<unsigned>(size));
  uv_write(&rest->request, client, &part, 1, [](uv_write_t* request, int) {
    auto* const done = static_cast<Rest*>(request->data);
    std::free(done->bytes);
    delete done;
  });
}

void on_read(uv_stream_t* client, ssize_t got, const uv_buf_t* room) {
  if (got < 0) {
    uv_close(reinterpret_cast<uv_handle_t*>(client), release);
    return;
  }
  uv_buf_t part = uv_buf_init(room->base, static_cast<unsigned>(got));
  const int sent = uv_try_write(client, &part, 1);
  const ssize_t done = sent > 0 ? sent : 0;
  if (done < got) keep_the_rest(client, room->base + done, static_cast<std::size_t>(got - done));
}

void on_connection(uv_stream_t* server, int status) {
  if (status < 0) return;
  uv_stream_t* client = nullptr;
  if (is_unix) {
    auto* const pipe = new uv_pipe_t;
    uv_pipe_init(server->loop, pipe, 0);
    client = reinterpret_cast<uv_stream_t*>(pipe);
  } else {
    auto* const tcp = new uv_tcp_t;
    uv_tcp_init(server->loop, tcp);
    client = reinterpret_cast<uv_stream_t*>(tcp);
  }
  if (uv_accept(server, client) == 0) uv_read_start(client, lend, on_read);
}

void on_datagram(uv_udp_t* socket, ssize_t got, const uv_buf_t* room, const sockaddr* from,
                 unsigned) {
  if (got <= 0 || from == nullptr) return;
  uv_buf_t part = uv_buf_init(room->base, static_cast<unsigned>(got));
  uv_udp_try_send(socket, &part, 1, from);
}

int serve_datagrams(uv_loop_t* loop, int fd) {
  uv_udp_t socket;
  uv_udp_init(loop, &socket);
  uv_udp_open(&socket, fd);
  uv_udp_recv_start(&socket, lend, on_datagram);
  return uv_run(loop, UV_RUN_DEFAULT);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  is_unix = std::strcmp(argv[1], "unix") == 0;
  const int fd = bench::listen_at(argv[1], argv[2], SOCK_NONBLOCK);
  uv_loop_t* const loop = uv_default_loop();
  if (std::strcmp(argv[1], "udp") == 0) return serve_datagrams(loop, fd);
  uv_tcp_t tcp;
  uv_pipe_t pipe;
  uv_stream_t* server = nullptr;
  if (is_unix) {
    uv_pipe_init(loop, &pipe, 0);
    uv_pipe_open(&pipe, fd);
    server = reinterpret_cast<uv_stream_t*>(&pipe);
  } else {
    uv_tcp_init(loop, &tcp);
    uv_tcp_open(&tcp, fd);
    server = reinterpret_cast<uv_stream_t*>(&tcp);
  }
  uv_listen(server, 4096, on_connection);
  return uv_run(loop, UV_RUN_DEFAULT);
}
