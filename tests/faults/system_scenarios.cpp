// Processes, folders and names: programs on the real kernel, with a real clock. Each cleans up
// after itself whatever fails.
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <vector>

#include "scenarios.hpp"

namespace asyncio::fault_test {
namespace {

// ---- processes

Coro<> a_filter_gives_back_everything() {
  const std::string text = pattern(100'000);
  Process cat = co_await create_subprocess_exec({"cat"}, {.in = PIPE, .out = PIPE});
  const ProcessOutput output = co_await cat.communicate(text);
  expect(text.starts_with(output.out), "what comes back is what was said");
  if (output.out.size() < text.size()) throw EOFError("cut off");
  expect(cat.returncode() == 0, "it has ended well");
}

Coro<> a_shell_speaks_and_fails() {
  Process shell = co_await create_subprocess_shell("echo out; echo err >&2; exit 3",
                                                   {.out = PIPE, .err = PIPE});
  const ProcessOutput output = co_await shell.communicate();
  if (output.out != "out\n" || output.err != "err\n") throw EOFError("cut off");
  expect(shell.returncode() == 3, "the exit status is the shell's");
}

Coro<> a_child_is_killed() {
  Process sleeper = co_await create_subprocess_exec({"sleep", "2"}, {.in = DEVNULL});
  co_await with(sleeper, [](Process& child) -> Coro<> {
    child.kill();
    expect(co_await child.wait() == -9, "it was killed");
  });
}

Coro<> a_child_is_stopped_when_its_time_is_over() {
  Process sleeper = co_await create_subprocess_exec({"sleep", "2"}, {.out = PIPE});
  co_await with(sleeper, [](Process& child) -> Coro<> {
    static_cast<void>(co_await move_on_after(1ms, child.wait()));
    static_cast<void>(co_await child.stop(1s));
    expect(child.returncode().has_value(), "it was reaped");
  });
}

Coro<> several_children_at_once() {
  auto echo_of = [](std::string word) -> Coro<std::string> {
    Process child = co_await create_subprocess_exec({"echo", word}, {.out = PIPE});
    co_return (co_await child.communicate()).out;
  };
  std::vector<Task<std::string>> tasks;
  for (const char* word : {"one", "two", "three"}) tasks.push_back(create_task(echo_of(word)));
  co_await wait(tasks);  // whatever becomes of one, the others come to their end
  const std::string said = co_await tasks[0] + co_await tasks[1] + co_await tasks[2];
  if (said != "one\ntwo\nthree\n") throw EOFError("cut off");
}

// ---- folders

Coro<> a_folder_is_read() {
  const Folder folder;
  for (const char* name : {"b", "a", "c"}) std::ofstream(folder.path() + "/" + name) << name;
  const std::vector<std::string> names = co_await os::listdir(folder.path());
  expect(names == std::vector<std::string>{"a", "b", "c"}, "all that is in the folder");
}

Coro<> a_folder_is_watched() {
  const Folder folder;
  auto changes = watch_directory(folder.path());
  Task<std::optional<FileChange>> first = create_task(changes.next());
  co_await sleep(0s);
  std::ofstream(folder.path() + "/new") << "x";
  const std::optional<FileChange> change = co_await wait_for(std::move(first), 2s);
  expect(change && change->name == "new", "the change that was made");
  co_await changes.aclose();
}

// ---- names

// Says 10.0.0.1 whatever is asked for.
class NameServer final : public DatagramProtocol {
 public:
  void connection_made(DatagramTransport& made) override { transport_ = &made; }
  void datagram_received(std::string_view query, const Address& from) override {
    constexpr std::size_t kHeader = 12;
    const std::size_t end = query.find('\0', kHeader) + 5;  // of the name, its type and its class
    if (end > query.size() || end < kHeader) return;
    std::string reply(query.substr(0, end));
    reply.replace(2, 10, std::string("\x81\x80\0\x01\0\x01\0\0\0\0", 10));
    reply += std::string("\xc0\x0c\0\x01\0\x01\0\0\0\0\0\x04\x0a\0\0\x01", 16);
    transport_->sendto(reply, from);
  }

 private:
  DatagramTransport* transport_ = nullptr;
};

Coro<> names_are_looked_up() {
  Loop& loop = get_running_loop();
  auto server = co_await loop.create_datagram_endpoint(
      [] { return std::make_shared<NameServer>(); }, {.local_host = "127.0.0.1"});
  ResolverOptions how;
  how.servers = {"127.0.0.1:" + std::to_string(server.first->sockname().port())};
  how.hosts_file = "";
  how.resolv_conf = "/dev/null";
  how.timeout = 50ms;
  how.attempts = 3;
  loop.set_default_resolver(make_resolver(how));
  for (int i = 0; i < 3; ++i) {
    const auto found = co_await resolve("one.example", 80, {.family = Address::Family::ipv4});
    expect(found.size() == 1 && found.front().host() == "10.0.0.1", "the address that was told");
  }
  server.first->abort();
}

}  // namespace

std::vector<Scenario> system_scenarios() {
  return {
      {"a_filter_gives_back_everything", a_filter_gives_back_everything},
      {"a_shell_speaks_and_fails", a_shell_speaks_and_fails},
      {"a_child_is_killed", a_child_is_killed},
      {"a_child_is_stopped_when_its_time_is_over", a_child_is_stopped_when_its_time_is_over},
      {"several_children_at_once", several_children_at_once},
      {"a_folder_is_read", a_folder_is_read},
      {"a_folder_is_watched", a_folder_is_watched},
      {"names_are_looked_up", names_are_looked_up},
  };
}

}  // namespace asyncio::fault_test
