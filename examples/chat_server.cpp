// chat_server: everyone hears everyone. A queue a member decouples the slow from the quick: who
// reads too slowly loses messages, and delays nobody.
//
//   chat_server [PORT]          then, in two terminals: nc 127.0.0.1 PORT   (default 8888)
//   chat_server --self-test     two members talk to each other
#include <fmt/core.h>
#include <asyncio/asyncio.hpp>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>
#include <vector>

using namespace std::chrono_literals;

using Mailbox = asyncio::Queue<std::string>;

class Room {
 public:
  asyncio::Coro<> handle(asyncio::StreamReader reader, asyncio::StreamWriter writer) {
    writer.write("your name? ");
    std::string name = strip(co_await reader.readline());
    if (name.empty() || members_.contains(name)) name += fmt::format("guest{}", ++guests_);

    Mailbox mailbox(100);
    members_.emplace(name, &mailbox);
    say(name + " has joined");
    auto sending = asyncio::create_task(deliver(mailbox, writer));
    // However it ends, nothing that refers to our frame may survive us.
    co_await asyncio::try_finally(
        [&] { return listen(name, reader); },
        [&]() -> asyncio::Coro<> {
          members_.erase(name);
          say(name + " has left");
          mailbox.shutdown();  // what is in the mailbox is still delivered
          co_await asyncio::wait(std::vector{sending});
          writer.close();
          static_cast<void>(co_await asyncio::outcome_of(writer.wait_closed()));
        });
  }

 private:
  asyncio::Coro<> listen(std::string name, asyncio::StreamReader& reader) {
    for (;;) {
      std::string line = co_await reader.readline();
      if (line.empty()) co_return;
      say(name + ": " + strip(std::move(line)));
    }
  }

  asyncio::Coro<> deliver(Mailbox& mailbox, asyncio::StreamWriter& writer) {
    try {
      for (;;) {
        writer.write(co_await mailbox.get() + "\n");
        co_await writer.drain();
      }
    } catch (const asyncio::QueueShutDown&) {}
  }

  void say(std::string text) {
    for (auto& [name, mailbox] : members_) {
      std::string copy = text;
      mailbox->try_put(copy);  // a full mailbox drops the message
    }
  }

  static std::string strip(std::string line) {
    while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.pop_back();
    return line;
  }

  std::map<std::string, Mailbox*> members_;  // the mailboxes live in the frames of handle()
  int guests_ = 0;
};

asyncio::Coro<asyncio::Server> start(Room& room, int port) {
  co_return co_await asyncio::start_server(
      [&room](asyncio::StreamReader reader, asyncio::StreamWriter writer) {
        return room.handle(std::move(reader), std::move(writer));
      },
      "127.0.0.1", port);
}

asyncio::Coro<> serve(int port) {
  Room room;
  asyncio::Server server = co_await start(room, port);
  fmt::print("listening on {}\n", server.sockets()[0].repr());
  co_await server.serve_forever();
}

asyncio::Coro<> self_test() {
  Room room;
  asyncio::Server server = co_await start(room, 0);
  const int port = server.sockets()[0].port();
  asyncio::Connection ann = co_await asyncio::open_connection("127.0.0.1", port);
  ann.writer.write("ann\n");
  fmt::print("ann hears: {}", co_await ann.reader.readline());

  asyncio::Connection bob = co_await asyncio::open_connection("127.0.0.1", port);
  bob.writer.write("bob\nhello\n");
  for (int i = 0; i < 2; ++i) fmt::print("ann hears: {}", co_await ann.reader.readline());
  bob.writer.close();
  fmt::print("ann hears: {}", co_await ann.reader.readline());

  ann.writer.write_eof();
  co_await ann.reader.read();
  ann.writer.close();
  server.close();
  co_await server.wait_closed();
}

int main(int argc, char** argv) {
  try {
    const bool test = argc > 1 && std::string_view(argv[1]) == "--self-test";
    asyncio::run(test ? self_test() : serve(argc > 1 ? std::atoi(argv[1]) : 8888));
  } catch (const asyncio::KeyboardInterrupt&) {
    fmt::print("bye\n");
  }
}
