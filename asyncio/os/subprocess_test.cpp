// tsan
#include "asyncio/os/subprocess.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "asyncio/base/logging.hpp"
#include "asyncio/combinators/gather.hpp"
#include "asyncio/combinators/timeouts.hpp"
#include "asyncio/combinators/with.hpp"
#include "asyncio/core/outcome.hpp"
#include "asyncio/core/runners.hpp"
#include "asyncio/core/sleep.hpp"
#include "asyncio/os/internal/test_support.hpp"

namespace asyncio {
namespace {

using namespace os_test;

// ---- starting

TEST(Subprocess, output_and_returncode_come_back) {
  run_clean([]() -> Coro<> {
    auto tr = co_await create_subprocess_exec({"tr", "a-z", "A-Z"}, {.in = PIPE, .out = PIPE});

    const ProcessOutput output = co_await tr.communicate("shout");

    EXPECT_EQ(output.out, "SHOUT");
    EXPECT_EQ(output.err, "");
    EXPECT_EQ(tr.returncode(), 0);
  });
}

TEST(Subprocess, a_shell_runs_a_command_and_reports_both_streams_and_its_status) {
  run_clean([]() -> Coro<> {
    auto shell = co_await create_subprocess_shell("echo one; echo two >&2; exit 3",
                                                  {.out = PIPE, .err = PIPE});
    EXPECT_EQ(co_await shell.out().readline(), "one\n");
    EXPECT_EQ(co_await shell.err().read(), "two\n");
    EXPECT_EQ(co_await shell.wait(), 3);
  });
}

TEST(Subprocess, a_program_that_cannot_be_run_throws_with_its_name) {
  run_clean([]() -> Coro<> {
    EXPECT_EQ(co_await error_of(create_subprocess_exec({"no-such-program"})),
              "FileNotFoundError: [Errno 2] No such file or directory: 'no-such-program'");
    EXPECT_EQ(co_await error_of(create_subprocess_exec({"/no/such/program"})),
              "FileNotFoundError: [Errno 2] No such file or directory: '/no/such/program'");
    EXPECT_EQ(co_await error_of(create_subprocess_exec({"/etc/passwd"}, {.out = PIPE})),
              "PermissionError: [Errno 13] Permission denied: '/etc/passwd'");
    EXPECT_EQ(co_await error_of(create_subprocess_exec({"true"}, {.cwd = "/no/such/folder"})),
              "FileNotFoundError: [Errno 2] No such file or directory: '/no/such/folder'");
    EXPECT_EQ(co_await error_of(create_subprocess_exec({})), "ValueError: argv must not be empty");
    EXPECT_EQ(co_await error_of(create_subprocess_exec({"true"}, {.out = STDOUT})),
              "ValueError: STDOUT can only be used for err");
    EXPECT_EQ(co_await error_of(create_subprocess_exec({std::string("a\0b", 3)})),
              "ValueError: embedded null byte");
  });
}

TEST(Subprocess, environment_and_folder_are_the_childs_alone) {
  run_clean([]() -> Coro<> {
    auto shell = co_await create_subprocess_shell(
        "echo $COLOUR; pwd; echo ${HOME-none}",
        {.out = PIPE, .cwd = "/", .env = {{{"COLOUR", "green"}, {"PATH", "/bin:/usr/bin"}}}});
    EXPECT_EQ((co_await shell.communicate()).out, "green\n/\nnone\n");
  });
}

TEST(Subprocess, the_program_is_looked_for_along_the_path_of_the_childs_environment) {
  run_clean([]() -> Coro<> {
    EXPECT_EQ(co_await error_of(create_subprocess_exec({"true"}, {.env = {{{"PATH", "/proc"}}}})),
              "FileNotFoundError: [Errno 2] No such file or directory: 'true'");
  });
}

TEST(Subprocess, argv0_may_differ_from_the_program) {
  run_clean([]() -> Coro<> {
    auto shell = co_await create_subprocess_exec({"another-name", "-c", "echo $0"},
                                                 {.out = PIPE, .executable = "sh"});
    EXPECT_EQ((co_await shell.communicate()).out, "another-name\n");
  });
}

TEST(Subprocess, a_new_session_and_a_new_group_are_led_by_the_child) {
  run_clean([]() -> Coro<> {
    auto leader = co_await create_subprocess_exec({"cat"}, {.in = PIPE, .start_new_session = true});
    auto grouped = co_await create_subprocess_exec({"cat"}, {.in = PIPE, .process_group = 0});
    EXPECT_EQ(::getsid(leader.pid()), leader.pid());
    EXPECT_EQ(::getpgid(grouped.pid()), grouped.pid());
    EXPECT_EQ(::getsid(grouped.pid()), ::getsid(0));
    static_cast<void>(co_await gather(leader.communicate(), grouped.communicate()));
  });
}

TEST(Subprocess, a_group_is_killed_as_a_whole) {
  run_clean([]() -> Coro<> {
    auto shell = co_await create_subprocess_shell("sleep 60 & sleep 60 & echo up; wait",
                                                  {.out = PIPE, .process_group = 0});
    static_cast<void>(co_await shell.out().readline());
    ::kill(-shell.pid(), SIGKILL);
    EXPECT_EQ(co_await shell.out().read(), "");  // the grandchildren had it open, too
    EXPECT_EQ(co_await shell.wait(), -SIGKILL);
  });
}

TEST(Subprocess, the_child_inherits_no_fd_but_the_ones_it_is_given) {
  run_clean([]() -> Coro<> {
    const int leaky = ::open("/dev/null", O_RDONLY);  // no O_CLOEXEC
    const int given = ::open("/dev/zero", O_RDONLY);
    auto shell = co_await create_subprocess_shell(
        "for f in /proc/self/fd/*; do readlink $f; done",
        {.in = DEVNULL, .out = PIPE, .err = STDOUT, .pass_fds = {given}});
    const std::string listed = (co_await shell.communicate()).out;
    ::close(leaky);
    ::close(given);
    EXPECT_NE(listed.find("/dev/zero"), std::string::npos);
    int lines = 0;
    for (const char each : listed) lines += each == '\n' ? 1 : 0;
    EXPECT_LE(lines, 5) << listed;  // 0, 1, 2, the given one, and what readlink has open
  });
}

TEST(Subprocess, signals_that_are_blocked_or_ignored_here_are_not_in_the_child) {
  run_clean([]() -> Coro<> {
    sigset_t usr1;
    sigset_t before;
    sigemptyset(&usr1);
    sigaddset(&usr1, SIGUSR1);
    pthread_sigmask(SIG_BLOCK, &usr1, &before);
    auto* const old = ::signal(SIGPIPE, SIG_IGN);
    auto grep = co_await create_subprocess_exec({"grep", "-E", "Sig(Blk|Ign)", "/proc/self/status"},
                                                {.out = PIPE});
    pthread_sigmask(SIG_SETMASK, &before, nullptr);
    ::signal(SIGPIPE, old);
    const std::string masks = (co_await grep.communicate()).out;
    const auto mask = [&](const char* name) {
      const std::size_t place = masks.find(name) + 7;
      return std::stoull(masks.substr(place), nullptr, 16);
    };
    EXPECT_EQ(mask("SigBlk:"), 0U);
    EXPECT_EQ(mask("SigIgn:") >> (SIGPIPE - 1) & 1, 0U);
  });
}

// ---- streams

TEST(Subprocess, megabytes_go_through_both_ways_without_a_deadlock) {
  run_clean([]() -> Coro<> {
    std::string input(std::size_t{5} << 20, 'x');
    for (std::size_t i = 0; i < input.size(); i += 1000) input[i] = static_cast<char>('a' + i % 23);
    auto cat = co_await create_subprocess_exec({"cat"}, {.in = PIPE, .out = PIPE});
    const ProcessOutput output = co_await cat.communicate(input);
    EXPECT_TRUE(output.out == input);
    EXPECT_EQ(cat.returncode(), 0);
  });
}

TEST(Subprocess, both_outputs_are_read_at_once) {
  run_clean([]() -> Coro<> {
    auto shell = co_await create_subprocess_shell(
        "head -c 300000 /dev/zero >&2; head -c 300000 /dev/zero; head -c 300000 /dev/zero >&2",
        {.out = PIPE, .err = PIPE});
    const ProcessOutput output = co_await shell.communicate();
    EXPECT_EQ(output.out.size(), 300000U);
    EXPECT_EQ(output.err.size(), 600000U);
  });
}

TEST(Subprocess, communicate_ignores_a_child_that_does_not_read_its_input) {
  run_clean([]() -> Coro<> {
    auto shell =
        co_await create_subprocess_shell("exec 0<&-; echo done", {.in = PIPE, .out = PIPE});
    EXPECT_EQ((co_await shell.communicate(std::string(1000000, 'x'))).out, "done\n");
    EXPECT_EQ(shell.returncode(), 0);
  });
}

TEST(Subprocess, writing_by_hand_to_a_closed_stdin_fails_in_drain) {
  run_clean([]() -> Coro<> {
    auto shell = co_await create_subprocess_shell("exec 0<&-; echo ready; exec sleep 60",
                                                  {.in = PIPE, .out = PIPE});
    static_cast<void>(co_await shell.out().readline());
    shell.in().write(std::string(1000000, 'x'));
    const std::string error = co_await error_of(shell.in().drain());
    // The second where the loop saw it before we wrote.
    EXPECT_TRUE(error.starts_with("BrokenPipeError") ||
                error == "ConnectionResetError: Connection lost")
        << error;
    shell.kill();
    EXPECT_EQ(co_await shell.wait(), -SIGKILL);
  });
}

TEST(Subprocess, a_slow_reader_holds_the_child_back) {
  run_clean([]() -> Coro<> {
    auto head = co_await create_subprocess_exec({"head", "-c", "3000000", "/dev/zero"},
                                                {.out = PIPE, .limit = 4096});
    static_cast<void>(co_await head.out().readexactly(1));
    EXPECT_FALSE(co_await move_on_after(50ms, head.wait()));
    EXPECT_LT(head.out().buffered().size(), std::size_t{2} * 4096 + 65536);
    EXPECT_EQ((co_await head.out().read()).size(), 2999999U);
    EXPECT_EQ(co_await head.wait(), 0);
  });
}

TEST(Subprocess, streams_can_be_merged_dropped_and_led_into_files) {
  run_clean([]() -> Coro<> {
    auto merged =
        co_await create_subprocess_shell("echo out; echo err >&2", {.out = PIPE, .err = STDOUT});
    EXPECT_EQ((co_await merged.communicate()).out, "out\nerr\n");
    EXPECT_FALSE(merged.has_err());

    auto hidden = co_await create_subprocess_exec({"echo", "x"}, {.out = DEVNULL, .err = PIPE});
    EXPECT_EQ((co_await hidden.communicate()).err, "");
    EXPECT_FALSE(hidden.has_out());
    EXPECT_TRUE(error_of([&] { static_cast<void>(hidden.out()); })
                    .ends_with("has no pipe for out\n  instead: {.out = asyncio::PIPE} where it "
                               "is created"));

    const TemporaryFile file;
    auto writer = co_await create_subprocess_shell("echo 1; echo 2 >&2",
                                                   {.out = file.fd(), .err = file.fd()});
    EXPECT_EQ(co_await writer.wait(), 0);
    EXPECT_EQ(file.content(), "1\n2\n");
  });
}

TEST(Subprocess, standard_streams_of_ours_can_be_swapped_for_the_child) {
  run_clean([]() -> Coro<> {
    // err is our fd 1 and out our fd 2: neither may overwrite the other on the way.
    const TemporaryFile one;
    const TemporaryFile two;
    const int saved_out = ::dup(1);
    const int saved_err = ::dup(2);
    ::dup2(one.fd(), 1);
    ::dup2(two.fd(), 2);
    auto shell = co_await create_subprocess_shell("echo out; echo err >&2", {.out = 2, .err = 1});
    const int code = co_await shell.wait();
    ::dup2(saved_out, 1);
    ::dup2(saved_err, 2);
    ::close(saved_out);
    ::close(saved_err);
    EXPECT_EQ(code, 0);
    EXPECT_EQ(one.content(), "err\n");
    EXPECT_EQ(two.content(), "out\n");
  });
}

TEST(Subprocess, output_can_be_read_after_the_exit) {
  run_clean([]() -> Coro<> {
    auto echo = co_await create_subprocess_exec({"echo", "late"}, {.out = PIPE});
    EXPECT_EQ(co_await echo.wait(), 0);
    EXPECT_EQ(co_await echo.out().read(), "late\n");
  });
}

TEST(Subprocess, wait_does_not_wait_for_a_grandchild_that_holds_the_pipe) {
  run_clean([]() -> Coro<> {
    auto shell = co_await create_subprocess_shell("sleep 60 & echo $!", {.out = PIPE});
    const pid_t grandchild = std::stoi(co_await shell.out().readline());
    EXPECT_EQ(co_await shell.wait(), 0);
    EXPECT_FALSE(shell.out().at_eof());
    ::kill(grandchild, SIGKILL);
    EXPECT_EQ(co_await shell.out().read(), "");
  });
}

// ---- the end

TEST(Subprocess, a_signal_that_ends_it_is_the_negative_returncode) {
  run_clean([]() -> Coro<> {
    auto sleeper = co_await create_subprocess_exec({"sleep", "60"});
    EXPECT_EQ(sleeper.returncode(), std::nullopt);
    sleeper.terminate();
    EXPECT_EQ(co_await sleeper.wait(), -SIGTERM);
  });
}

TEST(Subprocess, signals_fail_only_after_everything_of_the_child_is_gone) {
  run_clean([]() -> Coro<> {
    auto shell = co_await create_subprocess_shell("sleep 60 & echo $!", {.out = PIPE});
    const pid_t grandchild = std::stoi(co_await shell.out().readline());
    static_cast<void>(co_await shell.wait());
    EXPECT_EQ(error_of([&] { shell.terminate(); }), "");  // its pipe is still open
    ::kill(grandchild, SIGKILL);
    static_cast<void>(co_await shell.out().read());
    co_await pass(3);
    EXPECT_EQ(error_of([&] { shell.send_signal(SIGUSR1); }), "ProcessLookupError");
    EXPECT_EQ(error_of([&] { shell.kill(); }), "ProcessLookupError");
  });
}

TEST(Subprocess, many_tasks_wait_and_cancelling_one_disturbs_nobody) {
  run_clean([]() -> Coro<> {
    auto sleeper = co_await create_subprocess_exec({"sleep", "60"});
    std::vector<Task<int>> waiters;
    for (int i = 0; i < 3; ++i) waiters.push_back(create_task(sleeper.wait()));
    co_await pass();
    waiters[1].cancel();
    co_await pass(3);
    EXPECT_TRUE(waiters[1].cancelled());
    sleeper.kill();
    EXPECT_EQ(co_await waiters[0], -SIGKILL);
    EXPECT_EQ(co_await waiters[2], -SIGKILL);
  });
}

TEST(Subprocess, a_timeout_leaves_the_child_running_and_what_it_said_in_the_reader) {
  run_clean([]() -> Coro<> {
    auto shell = co_await create_subprocess_shell("echo partial; exec sleep 60", {.out = PIPE});
    EXPECT_FALSE(co_await move_on_after(100ms, shell.communicate()));
    EXPECT_EQ(shell.returncode(), std::nullopt);
    shell.kill();
    EXPECT_EQ((co_await shell.communicate()).out, "partial\n");
    EXPECT_EQ(shell.returncode(), -SIGKILL);
  });
}

TEST(Subprocess, stop_asks_first_and_kills_what_does_not_listen) {
  run_clean([]() -> Coro<> {
    auto polite = co_await create_subprocess_exec({"sleep", "60"});
    EXPECT_EQ(co_await polite.stop(), -SIGTERM);
    EXPECT_EQ(co_await polite.stop(), -SIGTERM);  // twice is once

    auto deaf = co_await create_subprocess_shell("trap '' TERM; echo up; while :; do sleep 1; done",
                                                 {.out = PIPE});
    static_cast<void>(co_await deaf.out().readline());
    EXPECT_EQ(co_await deaf.stop(20ms), -SIGKILL);
  });
}

TEST(Subprocess, stop_reaps_before_a_cancellation_goes_on) {
  run_clean([]() -> Coro<> {
    auto deaf = co_await create_subprocess_shell("trap '' TERM; echo up; while :; do sleep 1; done",
                                                 {.out = PIPE});
    static_cast<void>(co_await deaf.out().readline());
    Task<int> stopping = create_task(deaf.stop(1h));
    co_await pass(2);
    stopping.cancel();
    EXPECT_EQ(co_await error_of(stopping), "CancelledError");
    EXPECT_EQ(deaf.returncode(), -SIGKILL);
  });
}

TEST(Subprocess, with_leaves_no_child_behind_however_the_body_ends) {
  run_clean([]() -> Coro<> {
    auto sleeper = co_await create_subprocess_exec({"sleep", "60"});
    auto waiting =
        with(sleeper, [](Process& child) -> Coro<> { static_cast<void>(co_await child.wait()); });
    EXPECT_EQ(co_await error_of(wait_for(std::move(waiting), 20ms)), "TimeoutError");
    EXPECT_EQ(sleeper.returncode(), -SIGKILL);
  });
}

TEST(Subprocess, a_dropped_process_is_reaped) {
  run_clean([]() -> Coro<> {
    auto cat = co_await create_subprocess_exec({"cat"}, {.in = PIPE, .out = PIPE});
    const pid_t pid = cat.pid();
    cat = Process();  // its stdin ends, and so does it
    EXPECT_TRUE(co_await eventually([&] { return ::kill(pid, 0) != 0; }));
  });
}

TEST(Subprocess, dropping_one_that_runs_is_said_in_debug_mode) {
  const LogCapture log;
  run(
      []() -> Coro<> {
        pid_t pid = 0;
        {
          auto cat = co_await create_subprocess_exec({"cat"}, {.in = PIPE});
          pid = cat.pid();
        }
        EXPECT_TRUE(co_await eventually([&] { return ::kill(pid, 0) != 0; }));
      }(),
      {.debug = true});
  EXPECT_NE(log.text().find("was dropped while it runs"), std::string::npos) << log.text();
}

TEST(Subprocess, one_that_outlives_its_loop_is_killed_and_reaped) {
  const LogCapture log;
  const int before = open_files();
  pid_t pid = 0;
  std::optional<Process> kept;
  run([&]() -> Coro<> {
    kept = co_await create_subprocess_exec({"sleep", "60"}, {.in = PIPE, .out = PIPE});
    pid = kept->pid();
  }());
  EXPECT_NE(::kill(pid, 0), 0);
  EXPECT_EQ(kept->returncode(), -SIGKILL);
  kept.reset();
  EXPECT_EQ(open_files(), before);
  EXPECT_NE(log.text().find("was killed: its event loop was closed"), std::string::npos);
}

TEST(Subprocess, five_hundred_at_once_all_end_and_are_all_reaped) {
  run_clean([]() -> Coro<> {
    std::vector<Coro<ProcessOutput>> all;
    for (int i = 0; i < 500; ++i) {
      all.push_back([](int number) -> Coro<ProcessOutput> {
        auto cat = co_await create_subprocess_exec({"cat"}, {.in = PIPE, .out = PIPE});
        co_return co_await cat.communicate(std::to_string(number));
      }(i));
    }
    const auto outputs = co_await gather(std::move(all));
    for (int i = 0; i < 500; ++i)
      EXPECT_EQ(outputs[static_cast<std::size_t>(i)].out, std::to_string(i));
  });
}

TEST(Subprocess, loops_in_several_threads_each_reap_their_own) {
  run_clean([]() -> Coro<> { co_return; });
  std::vector<std::thread> threads;
  std::vector<int> codes(4, -1);
  for (std::size_t i = 0; i < codes.size(); ++i) {
    threads.emplace_back([&, i] {
      codes[i] = run([](std::size_t number) -> Coro<int> {
        int sum = 0;
        for (int j = 0; j < 10; ++j) {
          auto shell = co_await create_subprocess_shell("cat; exit " + std::to_string(number),
                                                        {.in = PIPE, .out = PIPE});
          EXPECT_EQ((co_await shell.communicate("hi")).out, "hi");
          sum += *shell.returncode();
        }
        co_return sum;
      }(i));
    });
  }
  for (std::thread& each : threads) each.join();
  EXPECT_EQ(codes, (std::vector<int>{0, 10, 20, 30}));
  EXPECT_EQ(children(), 0);
}

TEST(Subprocess, one_that_somebody_else_reaped_is_reported_as_255) {
  const LogCapture log;
  run_clean([]() -> Coro<> {
    auto sleeper = co_await create_subprocess_exec({"sleep", "60"});
    sleeper.kill();
    ::waitpid(sleeper.pid(), nullptr, 0);
    EXPECT_EQ(co_await sleeper.wait(), 255);
  });
  EXPECT_NE(log.text().find("Unknown child process pid"), std::string::npos);
}

TEST(Subprocess, where_fds_run_out_it_throws_and_leaks_none) {
  run_clean([]() -> Coro<> {
    std::vector<int> taken;
    const FdLimit limit(open_files() + 3);
    const std::string error =
        co_await error_of(create_subprocess_exec({"true"}, {.in = PIPE, .out = PIPE, .err = PIPE}));
    EXPECT_EQ(error, "OSError: [Errno 24] Too many open files");
  });
}

TEST(Subprocess, without_a_free_fd_for_the_pidfd_a_thread_waits_instead) {
  run_clean([]() -> Coro<> {
    std::vector<int> taken;
    Process sleeper;
    {
      const FdLimit limit(open_files());
      sleeper = co_await create_subprocess_exec({"sleep", "60"});
    }
    EXPECT_EQ(sleeper.returncode(), std::nullopt);
    sleeper.kill();
    EXPECT_EQ(co_await sleeper.wait(), -SIGKILL);
  });
}

// ---- cancellation

// Whatever is cancelled after however many passes: no fd and no child is left, nothing hangs.
TEST(SubprocessCancelled, every_operation_at_every_pass) {
  const LogCapture quiet;  // what the loop kills at its end, it says
  run_clean([]() -> Coro<> {
    const std::string big(300000, 'x');
    for (int passes = 0; passes < 10; ++passes) {
      auto cat = co_await create_subprocess_exec({"cat"}, {.in = PIPE, .out = PIPE, .err = PIPE});
      auto sleeper = co_await create_subprocess_exec({"sleep", "60"});
      auto& loop = get_running_loop();
      std::vector<AnyTask> tasks{
          create_task(cat.communicate(big)),
          create_task(cat.wait()),
          create_task(sleeper.stop(1h)),
          create_task(create_subprocess_exec({"cat"}, {.in = PIPE, .out = PIPE})),
          create_task(create_subprocess_shell("exec sleep 60", {.in = PIPE, .out = PIPE})),
          create_task(loop.subprocess_exec([] { return std::make_shared<SubprocessProtocol>(); },
                                           {"sleep", "60"}))};
      co_await pass(passes);
      for (AnyTask& task : tasks) task.cancel();
      EXPECT_TRUE(co_await eventually([&] {
        return std::ranges::all_of(tasks, [](const AnyTask& task) { return task.done(); });
      }));
      EXPECT_TRUE(sleeper.returncode() || passes == 0);  // before its first step stop() is nothing
      tasks.clear();
      cat.kill();
      EXPECT_EQ(co_await cat.wait(), -SIGKILL);
      static_cast<void>(co_await sleeper.stop());
    }
  });
}

// ---- the callback layer

class Recorder : public SubprocessProtocol {
 public:
  void connection_made(SubprocessTransport& transport) override {
    pid = transport.get_pid();
    events.emplace_back("made");
  }
  void pipe_data_received(int fd, std::string_view data) override {
    received[static_cast<std::size_t>(fd)] += data;
  }
  void pipe_connection_lost(int fd, std::exception_ptr) override {
    events.push_back("lost " + std::to_string(fd));
  }
  void process_exited() override { events.emplace_back("exited"); }
  void connection_lost(std::exception_ptr error) override {
    events.emplace_back(error ? "failed" : "closed");
    closed.set_result();
  }
  int pid = 0;
  std::vector<std::string> events;
  std::array<std::string, 3> received;
  Future<> closed;
};

TEST(SubprocessProtocol, hears_of_data_pipes_exit_and_the_end) {
  run_clean([]() -> Coro<> {
    auto& loop = get_running_loop();
    auto [transport, protocol] = co_await loop.subprocess_exec(
        [] { return std::make_shared<Recorder>(); }, {"sh", "-c", "cat; echo err >&2; exit 7"});
    EXPECT_EQ(protocol->events, std::vector<std::string>{"made"});
    EXPECT_EQ(transport->get_pid(), protocol->pid);
    EXPECT_EQ(transport->get_pipe_transport(3), nullptr);
    EXPECT_EQ(transport->get_protocol(), protocol);

    transport->get_pipe_transport(0)->write("hello");
    transport->get_pipe_transport(0)->write_eof();
    co_await protocol->closed;

    EXPECT_EQ(protocol->received[1], "hello");
    EXPECT_EQ(protocol->received[2], "err\n");
    EXPECT_EQ(protocol->events.size(), 6U);
    EXPECT_EQ(protocol->events.back(), "closed");
    EXPECT_EQ(transport->get_returncode(), 7);
    EXPECT_TRUE(transport->is_closing());
  });
}

TEST(SubprocessProtocol, close_kills_the_child_and_closes_its_pipes) {
  run_clean([]() -> Coro<> {
    auto& loop = get_running_loop();
    auto [transport, protocol] = co_await loop.subprocess_shell(
        [] { return std::make_shared<Recorder>(); }, "exec sleep 60", {.out = PIPE});
    EXPECT_EQ(transport->get_pipe_transport(0), nullptr);
    transport->close();
    co_await protocol->closed;
    EXPECT_EQ(transport->get_returncode(), -SIGKILL);
    EXPECT_EQ(error_of([&] { transport->terminate(); }), "ProcessLookupError");
  });
}

TEST(SubprocessProtocol, cancelling_the_start_kills_and_reaps) {
  run_clean([]() -> Coro<> {
    auto protocol = std::make_shared<Recorder>();
    auto starting =
        create_task(get_running_loop().subprocess_exec([&] { return protocol; }, {"sleep", "60"}));
    co_await pass();
    starting.cancel();
    EXPECT_EQ(co_await error_of(starting), "CancelledError");
    EXPECT_EQ(children(), 0);
    co_await protocol->closed;
  });
}

TEST(SubprocessProtocol, a_callback_that_throws_is_reported_and_the_child_reaped) {
  class Thrower final : public Recorder {
   public:
    void process_exited() override { throw ValueError("no"); }
  };
  const LogCapture log;
  run_clean([]() -> Coro<> {
    auto [transport, protocol] = co_await get_running_loop().subprocess_exec(
        [] { return std::make_shared<Thrower>(); }, {"true"});
    co_await protocol->closed;
    EXPECT_EQ(transport->get_returncode(), 0);
  });
  EXPECT_NE(log.text().find("ValueError: no"), std::string::npos);
}

}  // namespace
}  // namespace asyncio
