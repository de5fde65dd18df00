"""The programs of the in-process rows: three in C++, built from bench/, and the other peers."""
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time

from . import machine
from .machine import BIN, BUILD, ROOT, output_of

PYTHON_ROWS = [machine.PYTHON, str(ROOT / "bench/peers/python/rows.py")]
HELLOS = {"asyncio": "bench/workloads/hello.cpp", "limit": "bench/limit/hello.cpp",
          "Asio": "bench/peers/asio/hello.cpp"}


class Side:
    """A program, and which rows it has."""

    def __init__(self, name, command, package, every=1):
        self.name = name
        self.command = [str(word) for word in command]
        self.package = package
        self.every = every  # measured in every so many rounds: one that is slow need not always
        self.operations = {}
        lines = output_of(*self.command, "--rows").splitlines()
        for line in lines:
            row, operations = line.split()
            self.operations[row] = int(operations)

    def has(self, row):
        return row in self.operations

    def words(self, row, seconds):
        return [*self.command, "--measure", row, seconds]

    def figures(self, text):
        return json.loads(text)

    def measure(self, row, cpus, seconds):
        """One process, one row; its figures, or None where the row refuses to be trusted."""
        done = subprocess.run(["taskset", "-c", cpus, *self.words(row, seconds)],
                              capture_output=True, text=True, check=False)
        if done.returncode != 0:
            last = (done.stderr.strip().splitlines() or ["no message"])[-1]
            print(f"bench: {self.name} {row}: status {done.returncode}: {last}", file=sys.stderr)
            return None
        return self.figures(done.stdout)


class CppSide(Side):
    """bench_<side> of bench/support/rows.cpp, and the hello beside it."""

    def __init__(self, name, program, package=""):
        self.hello = BIN / f"hello_{program}"
        super().__init__(name, [BIN / f"bench_{program}"], package)

    def has(self, row):
        return super().has(row) or (row in ("hello_compile", "hello_run") and self.hello.exists())

    def words(self, row, seconds):
        return [*self.command, f"--benchmark_filter=^{row}(/.*)?$",
                f"--benchmark_min_time={seconds}", "--benchmark_format=json"]

    def figures(self, text):
        return json.loads(text)["benchmarks"][0]

    def measure(self, row, cpus, seconds):
        special = {"hello_compile": self.compile_seconds, "hello_run": self.start_up_ms}.get(row)
        if special is None:
            return super().measure(row, cpus, seconds)
        value = special()
        return None if value is None else {"cpu_ns": value}

    def compile_command(self):
        """The compiler's command line for a user of the library: -O0, no precompiled header."""
        includes = {"asyncio": [f"-I{ROOT}", f"-I{BUILD}/generated"], "limit": [f"-I{ROOT}"],
                    "Asio": ["-DASIO_STANDALONE", "-DASIO_HAS_CO_AWAIT",
                             "-DASIO_HAS_STD_COROUTINE"]}[self.name]
        return [machine.compiler(), "-std=c++20", "-O0", *includes, "-c",
                str(ROOT / HELLOS[self.name])]

    def compile_seconds(self):
        with tempfile.TemporaryDirectory() as folder:
            before = os.times()
            done = subprocess.run([*self.compile_command(), "-o", f"{folder}/hello.o"],
                                  check=False, capture_output=True, text=True)
            after = os.times()
        if done.returncode != 0:
            print(f"bench: {self.name} hello.cpp: {done.stderr.strip()[:300]}", file=sys.stderr)
            return None
        return (after.children_user - before.children_user
                + after.children_system - before.children_system)

    def start_up_ms(self, times=20):
        null = [(os.POSIX_SPAWN_OPEN, 1, "/dev/null", os.O_WRONLY, 0)]
        samples = []
        for _ in range(times):
            start = time.perf_counter()
            child = os.posix_spawn(self.hello, [str(self.hello)], os.environ, file_actions=null)
            _, status = os.waitpid(child, 0)
            samples.append((time.perf_counter() - start) * 1e3)
            if status != 0:
                print(f"bench: {self.hello.name} ended with status {status}", file=sys.stderr)
                return None
        return statistics.median(samples)


def all_sides():
    """Ours, the limit, then the peers."""
    return [
        CppSide("asyncio", "asyncio"), CppSide("limit", "limit"),
        CppSide("Asio", "asio", "libasio-dev"),
        Side("tokio", [BIN / "bench_tokio"], "cargo librust-tokio-dev"),
        Side("Go", [BIN / "bench_go"], "golang-go"),
        Side("uvloop", [*PYTHON_ROWS, "uvloop"], "python3-uvloop", every=2),
        Side("CPython", [*PYTHON_ROWS, "asyncio"], "python3", every=2),
    ]
