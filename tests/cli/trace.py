#!/usr/bin/env python3
"""`asyncio trace`, from outside: what it writes is read as Perfetto reads it, and checked.

Usage: trace.py ASYNCIO CHILD
"""
import collections
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree

import run
from run import PATIENCE, Child, asyncio


class Recording(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.json = pathlib.Path(folder.name, "out.json")
        self.svg = pathlib.Path(folder.name, "out.svg")

    def record(self, *arguments):
        done = asyncio("trace", "-o", self.json, "--flame", self.svg, *arguments)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("asyncio trace: ", done.stderr)
        return json.loads(self.json.read_text())["traceEvents"]

    def check(self, events):
        """What holds of every trace."""
        processes = {event["pid"] for event in events}
        self.assertEqual(len(processes), 1)
        threads = {event["tid"] for event in events if event["name"] == "thread_name"}
        self.assertEqual({event["tid"] for event in events if event["ph"] != "M"}, threads)
        for event in events:
            self.assertTrue(event["name"])
            self.assertIn(event["ph"], "MXbe")
            if event["ph"] != "M":
                self.assertGreaterEqual(event["ts"], 0)
        for thread in threads:
            self.check_nesting([event for event in events
                                if event["ph"] == "X" and event["tid"] == thread])
        self.check_tasks([event for event in events if event["ph"] in "be"])

    def check_nesting(self, slices):
        """Sorted by start; each ends before the one that it is in ends."""
        ends = []
        last = 0
        for event in slices:
            start, end = event["ts"], event["ts"] + event["dur"]
            self.assertGreaterEqual(start, last)
            last = start
            while ends and ends[-1] <= start + 1e-6:
                ends.pop()
            if ends:
                self.assertLessEqual(end, ends[-1] + 1e-6, event)
            ends.append(end)

    def check_tasks(self, events):
        """Of each task: begin and end in pairs, in order of time."""
        tasks = collections.defaultdict(list)
        times = collections.defaultdict(float)
        for event in events:
            task = event["id"]
            self.assertGreaterEqual(event["ts"], times[task])
            times[task] = event["ts"]
            if event["ph"] == "b":
                tasks[task].append(event["name"])
            else:
                self.assertEqual(tasks[task].pop(), event["name"])
        self.assertEqual([names for names in tasks.values() if names], [])

    def names(self, events, category):
        return {event["name"] for event in events if event.get("cat") == category}

    def test_a_command_is_recorded_from_its_first_step_to_its_last(self):
        events = self.record(run.CHILDREN[0], "work", "3")
        self.check(events)
        process = next(event for event in events if event["name"] == "process_name")
        self.assertEqual(process["args"]["name"], pathlib.Path(run.CHILDREN[0]).name)
        tasks = self.names(events, "task")
        self.assertLessEqual({"Task-1", "worker 0", "worker 1", "worker 2"}, tasks)
        self.assertLessEqual({"sleep", "Lock.acquire"}, tasks)
        self.assertLessEqual({"work", "works", "uses"}, self.names(events, "step"))
        self.assertLessEqual({"send", "recv"}, self.names(events, "io"))
        slices = sorted((event for event in events if event["ph"] == "X"),
                        key=lambda event: event["ts"])
        self.assertEqual((slices[0]["name"], slices[-1]["cat"]), ("work", "step"))

    def test_a_running_process_is_recorded_and_goes_on(self):
        with Child("ticks") as pid:
            events = self.record("-d", "0.2", pid)
            self.assertIn("ticks", asyncio("pstree", pid).stdout)
            again = self.record("-d", "0.1", pid)
        self.check(events)
        self.check(again)
        self.assertEqual({event["pid"] for event in events}, {pid})
        self.assertIn("await_in_coroutine", self.names(events, "step"))

    def test_the_reader_that_is_killed_leaves_nothing_behind(self):
        with Child("ticks") as pid:
            tracer = subprocess.Popen([run.ASYNCIO, "trace", "-o", self.json, str(pid)],
                                      stderr=subprocess.DEVNULL)
            while not any(map(self.is_recording, pathlib.Path(f"/proc/{pid}/fd").iterdir())):
                pass
            tracer.kill()
            tracer.wait()
            while any(map(self.is_recording, pathlib.Path(f"/proc/{pid}/fd").iterdir())):
                pass
            self.check(self.record("-d", "0.1", pid))

    @staticmethod
    def is_recording(fd):
        try:
            return "asyncio-trace" in os.readlink(fd)
        except OSError:
            return False

    def test_every_loop_has_a_track(self):
        for mode in ("workers", "twice"):
            events = self.record(run.CHILDREN[0], mode)
            if mode == "workers":
                self.check(events)
            threads = [event for event in events if event["name"] == "thread_name"]
            self.assertEqual(sorted(event["args"]["name"] for event in threads),
                             ["loop 1", "loop 2"], mode)

    def test_files_pipes_and_programs_are_operations(self):
        for backend in ("epoll", "io_uring"):
            os.environ["ASYNCIO_BACKEND"] = backend
            self.addCleanup(os.environ.pop, "ASYNCIO_BACKEND", None)
            events = self.record(run.CHILDREN[0], "io", self.json.with_name("words"))
            self.check(events)
            self.assertLessEqual({"spawn", "waitid", "open", "write", "read", "close"},
                                 self.names(events, "io"))
            # What goes on beside the loop does not stand among its steps.
            aside = {event["name"] for event in events
                     if event["ph"] == "b" and event["cat"] == "io"}
            self.assertIn("open", aside)
            self.assertNotIn("spawn", aside)
            slices = {event["name"] for event in events if event["ph"] == "X"}
            self.assertNotIn("open", slices)

    def test_ctrl_c_ends_the_recording_of_a_process_early(self):
        with Child("ticks") as pid:
            tracer = subprocess.Popen([run.ASYNCIO, "trace", "-d", "1000", "-o", self.json,
                                       str(pid)], stderr=subprocess.PIPE, text=True)
            while not any(map(self.is_recording, pathlib.Path(f"/proc/{pid}/fd").iterdir())):
                pass
            while tracer.poll() is None and not self.json.exists():
                tracer.send_signal(signal.SIGINT) if self.is_caught(tracer.pid) else None
            self.assertEqual(tracer.wait(timeout=PATIENCE), 0)
            tracer.stderr.close()
        self.check(json.loads(self.json.read_text())["traceEvents"])

    @staticmethod
    def is_caught(pid):
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
        caught = next(line for line in status.splitlines() if line.startswith("SigCgt:"))
        return int(caught.split()[1], 16) >> (signal.SIGINT - 1) & 1

    def test_the_flame_graph_has_what_runs_and_what_waits(self):
        self.record(run.CHILDREN[0], "work", "3")
        titles = [node.text for node in xml.etree.ElementTree.parse(self.svg).iter()
                  if node.tag.endswith("title")]
        for name in ("running", "waiting", "work", "works", "uses", "sleep", "Lock.acquire"):
            self.assertTrue(any(title.startswith(name + ": ") for title in titles), name)

    def test_the_exit_code_is_that_of_the_command(self):
        for command, code in ((["sh", "-c", "exit 7"], 7), (["sh", "-c", "kill -9 $$"], 137)):
            done = asyncio("trace", "-o", self.json, *command)
            self.assertEqual(done.returncode, code)
            self.assertIn("nothing was recorded", done.stderr)

    def test_what_cannot_be_recorded(self):
        for words, target in (("cannot run /no/such/file", ["/no/such/file"]),
                              ("no process has the id", [2_000_000_000]),
                              ("does not use asyncio for C++", [os.getpid()])):
            done = asyncio("trace", "-o", self.json, *target)
            self.assertEqual(done.returncode, 1)
            self.assertIn(words, done.stderr)
        with Child("calm") as pid:
            done = asyncio("trace", "-d", "0.1", "-o", self.json, pid)
        self.assertEqual(done.returncode, 1)
        self.assertIn("made a step within 0.1 seconds", done.stderr)
        self.assertIn("instead: `asyncio pstree`", done.stderr)
        done = asyncio("trace", "-o", "/no/such/folder/x.json", run.CHILDREN[0], "work", "1")
        self.assertEqual(done.returncode, 1)
        self.assertIn("cannot write /no/such/folder/x.json", done.stderr)


if __name__ == "__main__":
    run.ASYNCIO = sys.argv[1]
    run.CHILDREN = sys.argv[2:]
    unittest.main(argv=sys.argv[:1], verbosity=1)
