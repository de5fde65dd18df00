#!/usr/bin/env python3
"""Runs the `asyncio` command as a user does, against programs that wait, hang and spin.

Usage: run.py ASYNCIO CHILD...
"""
import fcntl
import json
import os
import pathlib
import pty
import re
import select
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import termios
import time
import unittest

ASYNCIO = None  # set by main
CHILDREN = []
PATIENCE = 120  # seconds; under a sanitizer on a busy machine everything takes long


def asyncio(*arguments, environment=None):
    return subprocess.run([ASYNCIO, *map(str, arguments)], capture_output=True, text=True,
                          timeout=PATIENCE, env=environment)


class Child:
    """A child in one of its modes, ready; ended on leaving."""

    def __init__(self, mode, program=None):
        self.process = subprocess.Popen([program or CHILDREN[0], mode], stdout=subprocess.PIPE,
                                        text=True)

    def __enter__(self):
        if self.process.stdout.readline() != "ready\n":
            raise AssertionError("the child did not come up")
        return self.process.pid

    def __exit__(self, *error):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


def masked(text):
    """Without what differs from run to run."""
    text = re.sub(r"thread \d+", "thread N", text)
    text = re.sub(r" (?:\S*/)?(\w+\.[ch]pp):\d+", r" \1", text)
    return text


CALM = """\
Loop 1, thread N: 6 tasks
└── (T) Task-1
    └──  calm child.cpp
        └──  run_with with.hpp
            └──  TaskGroup::aexit taskgroups.cpp
                ├── (T) first
                │   └──  middle child.cpp
                │       └──  deepest child.cpp
                │           └──  sleep
                └── (T) second
                    └──  await_in_coroutine tasks.hpp
                        └── (T) Task-2
                            └──  middle child.cpp
                                └──  deepest child.cpp
                                    └──  sleep
└── (T) holder
    └──  takes child.cpp
        └──  sleep
└── (T) contender
    └──  takes child.cpp
        └──  Lock.acquire (held by holder)
"""


class Looking(unittest.TestCase):
    maxDiff = None

    def tree(self, pid):
        done = asyncio("pstree", pid)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return masked(done.stdout)

    def test_the_tree_is_the_same_however_the_program_was_linked(self):
        for program in CHILDREN:
            with self.subTest(program=program), Child("calm", program) as pid:
                self.assertEqual(self.tree(pid), CALM)

    def test_the_tree_of_a_stripped_program_is_the_same(self):
        with tempfile.TemporaryDirectory() as folder:
            for program in CHILDREN[:2]:
                stripped = pathlib.Path(folder, pathlib.Path(program).name)
                shutil.copy(program, stripped)
                subprocess.run(["strip", "--strip-all", stripped], check=True)
                with self.subTest(program=program), Child("calm", stripped) as pid:
                    self.assertEqual(self.tree(pid), CALM)

    def test_a_program_whose_file_is_gone_is_still_read(self):
        with tempfile.TemporaryDirectory() as folder:
            copy = pathlib.Path(folder, "child")
            shutil.copy(CHILDREN[0], copy)
            with Child("calm", copy) as pid:
                copy.unlink()
                self.assertEqual(self.tree(pid), CALM)

    def test_a_hung_loop_shows_which_task_hangs_and_where_the_others_wait(self):
        with Child("hang") as pid:
            tree = self.tree(pid)
        self.assertIn("(T) spinner [running]", tree)
        self.assertIn("spins child.cpp", tree)
        self.assertIn("(T) other\n    └──  middle child.cpp\n", tree)

    def test_every_loop_is_shown_with_its_thread(self):
        with Child("loops") as pid:
            process = json.loads(asyncio("ps", "--json", pid).stdout)
            threads = {int(name) for name in os.listdir(f"/proc/{pid}/task")}
        self.assertEqual(len(process["loops"]), 2)
        self.assertEqual({loop["thread"] for loop in process["loops"]}, threads)
        self.assertEqual(sum(len(loop["tasks"]) for loop in process["loops"]), 7)

    def test_a_circle_is_an_error_in_the_tree_and_a_row_each_in_the_table(self):
        with Child("circle") as pid:
            tree = self.tree(pid)
            table = asyncio("ps", pid).stdout
        self.assertIn("ERROR: these tasks await each other", tree)
        self.assertIn("    one -> two -> one\n", tree)
        rows = [line.split() for line in table.splitlines()[2:]]
        awaiters = {row[2]: row[-2] for row in rows if row[2] in ("one", "two")}
        self.assertEqual(awaiters, {"one": "two", "two": "one"})

    def test_the_table_has_a_row_for_each_task_and_who_awaits_it(self):
        with Child("calm") as pid:
            lines = asyncio("ps", pid).stdout.splitlines()
        self.assertEqual(lines[0].split("  ")[0], "tid")
        self.assertRegex(lines[1], "^-+$")
        self.assertEqual(len(lines), 2 + 6)
        first = next(line for line in lines if " first " in line)
        self.assertRegex(first, rf"^{pid} +0x[0-9a-f]+ +first +waiting +sleep -> deepest -> middle "
                                r".*TaskGroup::aexit -> run_with -> calm +Task-1 +0x[0-9a-f]+$")

    def test_json_says_the_same(self):
        with Child("calm") as pid:
            process = json.loads(asyncio("pstree", "--json", pid).stdout)
        self.assertEqual(process["pid"], pid)
        tasks = {task["name"]: task for task in process["loops"][0]["tasks"]}
        self.assertEqual([frame["function"] for frame in tasks["first"]["stack"]],
                         ["middle", "deepest"])
        self.assertEqual(tasks["contender"]["waits_for"], "Lock.acquire (held by holder)")
        self.assertEqual(tasks["first"]["awaited_by"], [tasks["Task-1"]["id"]])

    def test_a_busy_loop_can_be_read_again_and_again(self):
        with Child("busy") as pid:
            for _ in range(20):
                done = asyncio("ps", pid)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertIn("tid", done.stdout)

    def test_a_stopped_process_is_read_too(self):
        with Child("calm") as pid:
            os.kill(pid, signal.SIGSTOP)
            self.assertEqual(self.tree(pid), CALM)


class Top(unittest.TestCase):
    def test_one_screen_counts_tasks_by_place(self):
        with Child("calm") as pid:
            done = asyncio("top", "--once", pid)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn(f"asyncio top: process {pid}, asyncio ", done.stdout)
        self.assertRegex(done.stdout,
                         r"\n +2 +- +waiting +sleep +child\.cpp:\d+ +middle > deepest\n")

    def test_without_a_terminal_it_says_what_to_do_instead(self):
        with Child("calm") as pid:
            done = asyncio("top", pid)
        self.assertEqual(done.returncode, 1)
        self.assertIn("instead: --once", done.stderr)

    def read_until(self, terminal, words):
        drawn = b""
        end = time.monotonic() + PATIENCE
        while words not in drawn:
            if time.monotonic() > end or not select.select([terminal], [], [], PATIENCE)[0]:
                self.fail(f"{words} was not drawn: {drawn}")
            drawn += os.read(terminal, 65536)

    def test_in_a_terminal_it_draws_and_ends_with_q(self):
        with Child("calm") as pid:
            master, slave = pty.openpty()
            before = termios.tcgetattr(slave)
            fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 150, 0, 0))
            top = subprocess.Popen([ASYNCIO, "top", str(pid)], stdin=slave, stdout=slave)
            self.read_until(master, b"middle > deepest")
            os.write(master, b"/takes\r")
            self.read_until(master, b"filter (takes)")
            os.write(master, b"q")
            self.read_until(master, b"\x1b[?1049l")  # back to the first screen
            self.assertEqual(top.wait(timeout=PATIENCE), 0)
            self.assertEqual(termios.tcgetattr(slave), before)
            os.close(master)
            os.close(slave)

    def test_it_shows_latency_and_busy_coroutines_and_ends_with_the_process(self):
        master, slave = pty.openpty()
        before = termios.tcgetattr(slave)
        fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 150, 0, 0))
        with Child("busy") as pid:
            top = subprocess.Popen([ASYNCIO, "top", "-d", "0.2", str(pid)], stdin=slave,
                                   stdout=slave)
            self.read_until(master, b"latency: half < ")
            self.read_until(master, b"%")
            fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 3, 20, 0, 0))
            os.kill(top.pid, signal.SIGWINCH)
            self.read_until(master, b"asyncio top: process\x1b[K")  # cut to 20 columns
        self.read_until(master, f"process {pid} has ended".encode())
        self.assertEqual(top.wait(timeout=PATIENCE), 0)
        self.assertEqual(termios.tcgetattr(slave), before)
        os.close(master)
        os.close(slave)


class Failing(unittest.TestCase):
    def fails(self, done, code, words):
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertIn(words, done.stderr)
        self.assertEqual(done.stdout, "")

    def test_no_such_process(self):
        self.fails(asyncio("ps", 2_000_000_000), 1, "no process has the id 2000000000")

    def test_a_process_without_asyncio(self):
        self.fails(asyncio("pstree", os.getpid()), 1, "does not use asyncio for C++")

    def test_a_process_that_may_not_be_read(self):
        if os.getuid() != 0:
            self.skipTest("only root can become somebody else")
        with Child("calm") as pid:
            # A copy that anybody may run, as somebody who may not look into root's processes.
            with tempfile.TemporaryDirectory() as folder:
                os.chmod(folder, 0o755)
                copy = pathlib.Path(folder, "asyncio")
                shutil.copy(ASYNCIO, copy)
                done = subprocess.run([copy, "ps", str(pid)], capture_output=True, text=True,
                                      user=65534, group=65534, extra_groups=[], timeout=PATIENCE)
        self.fails(done, 1, "not allowed to read the memory of process")
        self.assertIn("cure: run this as root", done.stderr)

    def test_a_project_needs_a_good_name_that_is_free(self):
        self.fails(asyncio("new", "9 lives"), 1, "'9 lives' cannot be the name of a project")
        with tempfile.TemporaryDirectory() as folder:
            taken = pathlib.Path(folder, "taken")
            taken.mkdir()
            done = subprocess.run([ASYNCIO, "new", "taken"], cwd=folder, capture_output=True,
                                  text=True, timeout=PATIENCE)
        self.fails(done, 1, "taken exists already")

    def test_without_an_installation_nothing_can_be_compiled(self):
        self.fails(asyncio("run", __file__), 1, "asyncio is not installed beside this command")

    def test_wrong_arguments(self):
        for arguments in ([], ["ps"], ["ps", "x"], ["nonsense"], ["ps", "1", "--nonsense"],
                          ["run"], ["run", "/no/such/file.cpp"], ["new"],
                          ["top", "1", "--delay", "0"]):
            with self.subTest(arguments=arguments):
                self.assertEqual(asyncio(*arguments).returncode, 2)

    def test_help_and_version(self):
        self.assertIn("pstree", asyncio("--help").stdout)
        self.assertIn("PID", asyncio("ps", "--help").stdout)
        self.assertRegex(asyncio("--version").stdout, r"^asyncio \d+\.\d+\.\d+\n$")


if __name__ == "__main__":
    ASYNCIO = sys.argv[1]
    CHILDREN = sys.argv[2:]
    unittest.main(argv=sys.argv[:1], verbosity=1)
