// soak.cpp: a server and thousands of clients that are idle, chatty, slow or rude, for as long as
// you like:  soak SECONDS CONNECTIONS   (make soak: ten minutes with 10,000)
// Two processes, since each may have so many descriptors only. At the end every request that was
// sent was answered or failed, and only those failed that were broken off on purpose; both
// processes have the descriptors that they began with; and a second half of the time has not cost
// more memory than the first.
#include <malloc.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <string>

#include "asyncio/asyncio.hpp"
#include "tests/support.hpp"

namespace {

using namespace asyncio;
using namespace std::chrono_literals;
using asyncio::tests::open_files;

constexpr long kTolerance = 2L * 1024 * 1024;  // bytes of growth in the second half: none is a leak

long used_bytes() { return static_cast<long>(mallinfo2().uordblks); }

// The most that the system grants; gives how many that are.
long raise_limit() {
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
  return static_cast<long>(limit.rlim_cur);
}

// ---- the server's process

Coro<> answer(StreamReader reader, StreamWriter writer) {
  try {
    while (auto line = co_await reader.next()) {
      writer.write("re:" + *line);
      co_await writer.drain();
    }
  } catch (const OSError&) {  // rude clients
  }
}

// Waits, for at most twenty seconds, until the last connections are gone.
Coro<> settle(long files) {
  for (int i = 0; i < 400 && open_files() != files; ++i) co_await sleep(50ms);
}

// Serves until SIGTERM. On SIGUSR1, when all clients are gone, it notes what it holds.
Coro<> serve(int to_parent) {
  Loop& loop = get_running_loop();
  Event stop;
  Event half_time;
  loop.add_signal_handler(SIGTERM, [&] { stop.set(); });
  loop.add_signal_handler(SIGUSR1, [&] { half_time.set(); });
  Server server = co_await start_server(answer, "127.0.0.1", 0, {.backlog = 4096});
  ::dprintf(to_parent, "%d\n", server.sockets()[0].port());
  const long files = open_files();
  co_await half_time.wait();
  co_await settle(files);
  const long bytes = used_bytes();
  ::dprintf(to_parent, "half\n");
  co_await stop.wait();
  co_await settle(files);
  ::dprintf(to_parent, "%ld %ld\n", open_files() - files, used_bytes() - bytes);
  co_await server.shutdown(1s);
}

// ---- the clients' process

struct Tally {
  long sent = 0;
  long answered = 0;
  long failed = 0;
  long broken_off = 0;  // on purpose: of those that failed

  Tally operator+(const Tally& other) const {
    return {sent + other.sent, answered + other.answered, failed + other.failed,
            broken_off + other.broken_off};
  }
};

// One request; whatever becomes of it, it is counted once.
class Request {
 public:
  explicit Request(Tally& tally) : tally_(tally) { ++tally_.sent; }
  Request(const Request&) = delete;
  Request& operator=(const Request&) = delete;
  ~Request() { ++(answered_ ? tally_.answered : tally_.failed); }
  void answered() { answered_ = true; }

 private:
  Tally& tally_;
  bool answered_ = false;
};

struct Crowd {
  explicit Crowd(int server_port) : port(server_port) {}
  int port;
  Tally tally;
  Event stop;
  Semaphore connecting{256};
  long connected = 0;
  std::mt19937_64 random{20'260'101};

  Duration pause(int least_ms, int most_ms) {
    return std::chrono::milliseconds(std::uniform_int_distribution<int>(least_ms, most_ms)(random));
  }
};

// Until `delay` is over or everybody stops.
Coro<> rest(Crowd& crowd, Duration delay) { co_await move_on_after(delay, crowd.stop.wait()); }

Coro<Connection> join(Crowd& crowd) {
  auto turn = co_await crowd.connecting.scoped();
  Connection connection = co_await open_connection("127.0.0.1", crowd.port);
  ++crowd.connected;
  co_return connection;
}

Coro<> ask(Crowd& crowd, Connection& connection, Duration between_bytes) {
  Request request(crowd.tally);
  const std::string text = std::to_string(crowd.tally.sent) + "\n";
  if (between_bytes == Duration::zero()) {
    connection.writer.write(text);
  } else {
    for (const char byte : text) {
      connection.writer.write(std::string_view(&byte, 1));
      co_await sleep(between_bytes);
    }
  }
  if (co_await connection.reader.readline() == "re:" + text) request.answered();
}

Coro<> part(Connection& connection) {
  connection.writer.close();
  co_await connection.writer.wait_closed();
}

Coro<> idle(Crowd& crowd) {
  Connection connection = co_await join(crowd);
  co_await ask(crowd, connection, Duration::zero());
  co_await crowd.stop.wait();
  co_await ask(crowd, connection, Duration::zero());
  co_await part(connection);
}

Coro<> chatty(Crowd& crowd) {
  Connection connection = co_await join(crowd);
  while (!crowd.stop.is_set()) {
    co_await ask(crowd, connection, Duration::zero());
    co_await rest(crowd, crowd.pause(50, 500));
  }
  co_await part(connection);
}

Coro<> slow(Crowd& crowd) {
  Connection connection = co_await join(crowd);
  while (!crowd.stop.is_set()) co_await ask(crowd, connection, 50ms);
  co_await part(connection);
}

// Breaks off in the middle of a request, or before its answer.
Coro<> rude(Crowd& crowd) {
  while (!crowd.stop.is_set()) {
    Connection connection = co_await join(crowd);
    co_await ask(crowd, connection, Duration::zero());
    {
      const Request broken(crowd.tally);
      ++crowd.tally.broken_off;
      connection.writer.write("half a requ");
      if (crowd.pause(0, 1) == 0ms) connection.writer.write("est\n");
      connection.writer.abort();
    }
    co_await rest(crowd, crowd.pause(1000, 5000));
  }
}

Coro<> take_part(Crowd& crowd, long number) {
  try {
    switch (number % 20) {
      case 0:
        co_return co_await rude(crowd);
      case 1:
        co_return co_await slow(crowd);
      case 2:
      case 3:
        co_return co_await chatty(crowd);
      default:
        co_return co_await idle(crowd);
    }
  } catch (const std::exception& error) {
    std::fprintf(stderr, "client %ld: %s\n", number, error.what());
  }
}

Coro<Tally> half(int port, long connections, Duration duration) {
  Crowd crowd(port);
  co_await with(TaskGroup(), [&](TaskGroup& group) -> Coro<> {
    for (long i = 0; i < connections; ++i) group.create_task(take_part(crowd, i));
    co_await sleep(duration);
    std::printf("  %ld connections made, %ld requests sent\n", crowd.connected, crowd.tally.sent);
    crowd.stop.set();
  });
  co_return crowd.tally;
}

bool check(bool holds, const char* what) {
  std::printf("%s: %s\n", holds ? "ok" : "FAILED", what);
  return holds;
}

Coro<int> soak(int port, long connections, Duration duration, pid_t server,
               std::FILE* from_server) {
  const long files = open_files();
  const Tally first = co_await half(port, connections, duration / 2);
  ::kill(server, SIGUSR1);
  std::array<char, 8> word{};
  if (std::fscanf(from_server, "%7s", word.data()) != 1) co_return 2;  // nothing else is to do
  const long bytes = used_bytes();
  const Tally all = first + co_await half(port, connections, duration / 2);
  const long growth = used_bytes() - bytes;
  std::printf("sent %ld, answered %ld, failed %ld, %ld of them on purpose; clients grew by %ld B\n",
              all.sent, all.answered, all.failed, all.broken_off, growth);
  bool fine = check(all.sent == all.answered + all.failed, "every request was answered or failed");
  fine = check(all.failed == all.broken_off, "none failed that was not broken off") && fine;
  fine = check(all.answered > 2 * connections, "the connections did their work") && fine;
  fine = check(open_files() == files, "the clients have no descriptor left") && fine;
  fine = check(growth < kTolerance, "the clients' memory is back") && fine;
  co_return fine ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  const long seconds = argc > 1 ? std::atol(argv[1]) : 600;
  long connections = argc > 2 ? std::atol(argv[2]) : 10'000;
  const long possible = raise_limit() - 64;
  if (connections > possible) {
    std::printf("only %ld descriptors are allowed: %ld connections\n", possible + 64, possible);
    connections = possible;
  }
  std::array<int, 2> ends{-1, -1};
  if (::pipe(ends.data()) != 0) return 2;
  std::fflush(stdout);
  const pid_t server = ::fork();
  if (server == 0) {
    ::close(ends[0]);
    asyncio::run(serve(ends[1]));
    ::_exit(0);
  }
  ::close(ends[1]);
  std::FILE* const from_server = ::fdopen(ends[0], "r");
  int port = 0;
  if (std::fscanf(from_server, "%d", &port) != 1) return 2;
  int result =
      asyncio::run(soak(port, connections, std::chrono::seconds(seconds), server, from_server));

  ::kill(server, SIGTERM);
  long files = -1;
  long growth = -1;
  if (std::fscanf(from_server, "%ld %ld", &files, &growth) != 2) result = 1;
  std::fclose(from_server);
  int status = -1;
  ::waitpid(server, &status, 0);
  std::printf("the server grew by %ld bytes\n", growth);
  if (!check(files == 0, "the server has no descriptor left")) result = 1;
  if (!check(growth < kTolerance, "the server's memory is back")) result = 1;
  if (!check(WIFEXITED(status) && WEXITSTATUS(status) == 0, "the server ended well")) result = 1;
  return result;
}
