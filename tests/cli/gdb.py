#!/usr/bin/env python3
"""tools/gdb/asyncio.py on a program that aborts: live, as a core file, and stripped.

Usage: gdb.py GDB SCRIPT CRASH
"""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

GDB = SCRIPT = CRASH = None  # set by main

EXPECTED = """\
Loop 1, thread N: 5 tasks
Task 'Task-1' waiting for aborter
  #0 crash at crash.cpp
Task 'sleeper' waiting for sleep
  #0 deepest at crash.cpp
  #1 middle at crash.cpp
Task 'holder' waiting for sleep
  #0 takes at crash.cpp
Task 'Task-2' waiting for Lock.acquire, held by holder
  #0 takes at crash.cpp
Task 'aborter' running
  #0 aborts at crash.cpp
"""


def gdb(*commands, files):
    words = [GDB, "-nx", "-batch", "-iex", "set debuginfod enabled off", "-ex", f"source {SCRIPT}"]
    for command in commands:
        words += ["-ex", command]
    done = subprocess.run([*words, *files], capture_output=True, text=True, timeout=200)
    return done.stdout + done.stderr


def masked(output):
    """From the first loop on, without what differs from run to run."""
    found = re.search(r"^Loop 1,(.*\n)(^(Task|  #).*\n)*", output, re.MULTILINE)
    text = found[0] if found else output
    text = re.sub(r"thread \d+", "thread N", text)
    return re.sub(r" (?:\S*/)?(\w+\.[ch]pp):\d+", r" \1", text)


class Looking(unittest.TestCase):
    maxDiff = None

    def test_a_live_process_shows_the_stacks_of_its_tasks(self):
        self.assertEqual(masked(gdb("run", "asyncio-bt", files=[CRASH])), EXPECTED)

    def test_a_core_file_shows_the_same_also_of_a_stripped_program(self):
        with tempfile.TemporaryDirectory() as folder:
            stripped = pathlib.Path(folder, "crash")
            shutil.copy(CRASH, stripped)
            subprocess.run(["strip", "--strip-all", stripped], check=True)
            for program in (CRASH, stripped):
                core = pathlib.Path(folder, "core")
                gdb("run", f"generate-core-file {core}", files=[program])
                with self.subTest(program=program):
                    self.assertEqual(masked(gdb("asyncio-bt", files=[program, core])), EXPECTED)

    def test_one_task_can_be_asked_for(self):
        output = masked(gdb("run", "asyncio-bt holder", files=[CRASH]))
        self.assertEqual(output, "Loop 1, thread N: 5 tasks\nTask 'holder' waiting for sleep\n"
                                 "  #0 takes at crash.cpp\n")

    def test_tasks_futures_and_coroutines_are_printed_by_what_they_are(self):
        output = gdb("run", "up", "up", "up", "frame function aborts", "print sleeper",
                     "print future", "print unstarted", files=[CRASH])
        self.assertRegex(output, r"= <Task 'sleeper' waiting for sleep at \S*crash\.cpp:\d+>")
        self.assertIn("= <Future pending>", output)
        self.assertRegex(output, r"= <Coro deepest at \S*crash\.cpp:\d+>")

    def test_a_program_without_asyncio_is_an_error_that_says_so(self):
        output = gdb("starti", "asyncio-bt", files=[shutil.which("true")])
        self.assertIn("does not use asyncio for C++", output)


if __name__ == "__main__":
    GDB, SCRIPT, CRASH = sys.argv[1:]
    unittest.main(argv=sys.argv[:1], verbosity=1)
