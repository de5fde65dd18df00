// scenarios.hpp: small programs that talk to themselves, to be run while something goes wrong.
// Each comes to its end whatever fails, and never believes wrong data.
#pragma once
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "asyncio/asyncio.hpp"
#include "asyncio/io/backend.hpp"

namespace asyncio::fault_test {

using namespace std::chrono_literals;

// Bytes that were not sent, or an order that was not kept: worse than any error.
struct WrongResult : std::logic_error {
  using std::logic_error::logic_error;
};

inline void expect(bool holds, const char* what) {
  if (!holds) throw WrongResult(what);
}

// A file of 100,000 bytes that exists while the tests run, and what is in it.
struct SampleFile {
  std::string path;
  std::string content;
};
const SampleFile& sample_file();

// An empty folder beside it, while this stands.
class Folder {
 public:
  Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder();
  const std::string& path() const { return path_; }
  std::string file(const char* name) const { return path_ + "/" + name; }

 private:
  std::string path_;
};

struct Scenario {
  const char* name;
  Coro<> (*run)();
};

std::vector<Scenario> stream_scenarios();
std::vector<Scenario> connection_scenarios();
std::vector<Scenario> protocol_scenarios();
std::vector<Scenario> http_scenarios();
std::vector<Scenario> tls_scenarios();
std::vector<Scenario> system_scenarios();  // with children, on the real kernel: system_test.cpp
std::vector<Scenario> file_scenarios();

inline int port_of(const Server& server) {
  const std::vector<Address> names = server.sockets();
  if (names.empty() || names.front().port() == 0) throw EOFError("a server without a name");
  return names.front().port();
}

inline std::string pattern(std::size_t size) {
  std::string text(size, '\0');
  for (std::size_t i = 0; i < size; ++i) text[i] = static_cast<char>('a' + (i * 7 + i / 31) % 26);
  return text;
}

// Sends back whatever comes, until the end.
Coro<> echo(StreamReader reader, StreamWriter writer);
Coro<Server> echo_server();
Coro<Connection> connect_to(const Server& server);
// Closes both and waits for them, for at most ten seconds.
Coro<> finish(StreamWriter writer);
Coro<> finish(StreamWriter writer, Server server);
// Says a message of this size so often, hears it again each time, and finishes both.
Coro<> echo_rounds(Server server, Connection connection, int rounds, std::size_t size);

}  // namespace asyncio::fault_test
