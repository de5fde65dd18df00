"""The programs of the network rows: how each side is started, on which CPU, and how it is ended."""
import os
import pathlib
import re
import socket
import subprocess
import time

from .machine import BIN, PYTHON, ROOT, output_of

PEERS = ROOT / "bench/peers"


class Side:
    """Commands by the kind of row: tcp, unix, udp, tls, http, client."""

    def __init__(self, commands, package="", environment=None, template=None, every=1,
                 recorded=False, arguments=()):
        self.commands = {kind: [str(word) for word in command]
                         for kinds, command in commands.items() for kind in kinds.split()}
        self.package = package
        self.environment = environment or {}
        self.arguments = list(arguments)  # behind the address
        self.template = template  # a configuration file, where the port is not an argument
        self.every = every  # measured in every so many rounds
        self.recorded = recorded  # by `asyncio trace`, from CPU 1; only where --sides asks for it

    def is_there(self):
        program = next(iter(self.commands.values()))
        if program[0] == PYTHON:
            module = "uvloop" if "uvloop" in program else (
                "aiohttp" if program[1].endswith("client.py") else "asyncio")
            return bool(output_of(PYTHON, "-c", f"import {module}; print(1)"))
        return bool(output_of("sh", "-c", f"command -v {program[0]}"))

    def words(self, kind, address, folder):
        command = self.commands[kind]
        if self.template:
            return [word.replace("@FOLDER@", str(folder)) for word in command]
        files = [folder / "cert.pem", folder / "key.pem"] if kind == "tls" else []
        if pathlib.Path(command[0]).name.startswith("bench_tls"):
            return [*command, *files]
        return [*command, kind, address, *files, *self.arguments]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for_port(port):
    for _ in range(100):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return str(port)
        time.sleep(0.02)
    return ""


class Server:
    """One server on a CPU, for a scope; under strace where its system calls are counted."""

    def __init__(self, side, kind, folder, cpu="0", calls=None):
        port = None
        if side.template:
            port = free_port()
            text = side.template.read_text()
            text = text.replace("@FOLDER@", str(folder)).replace("@PORT@", str(port))
            (folder / side.template.name).write_text(text)
        address = "127.0.0.1" if kind != "unix" else f"{folder}/{time.time_ns()}"
        counter = ["strace", "-f", "-c", "-U", "calls,name", "-o", calls] if calls else []
        self.process = subprocess.Popen(
            [*counter, "taskset", "-c", cpu, *side.words(kind, address, folder)],
            env={**os.environ, **side.environment}, text=True, stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL)
        self.address = (wait_for_port(port) if port else self.process.stdout.readline().strip())
        self.pid = self.process.pid
        if calls and self.address:
            children = pathlib.Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text()
            self.pid = int(children.split()[0])
        self.tracer = None
        if side.recorded:
            self.tracer = subprocess.Popen(
                ["taskset", "-c", "1", BIN / "asyncio", "trace", "-d", "1000", "-o",
                 f"{folder}/trace.json", str(self.pid)], stderr=subprocess.DEVNULL)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.tracer:
            self.tracer.kill()
            self.tracer.wait()
        if self.process.poll() is None:
            os.kill(self.pid, 9)
        self.process.wait()
        self.process.stdout.close()


def counted_calls(file):
    """The total of `strace -c`, or None."""
    found = re.search(r"^ *(\d+) +(?:\d+ +)?total$", pathlib.Path(file).read_text(), re.M)
    return int(found[1]) if found else None


# ---- the sides ----------------------------------------------------------------------------------
def ours(backend, recorded=False):
    commands = {"tcp unix udp": [BIN / "net_asyncio"]}
    if not recorded:
        commands |= {"tls": [BIN / "bench_tls_asyncio"], "http": [BIN / "net_http_asyncio"],
                     "client": [BIN / "client_asyncio"]}
    return Side(commands, environment={"ASYNCIO_BACKEND": backend}, recorded=recorded)


def python(loop):
    return Side({"tcp unix udp tls": [PYTHON, PEERS / "python/net/echo.py", loop]},
                package="python3-uvloop" if loop == "uvloop" else "python3", every=2)


SIDES = {
    "epoll": ours("epoll"),
    "io_uring": ours("io_uring"),
    "epoll, recorded": ours("epoll", recorded=True),
    "limit epoll": Side({"tcp unix udp": [BIN / "net_limit_epoll"],
                         "tls": [BIN / "bench_tls_limit"], "http": [BIN / "net_http_limit"]}),
    "limit io_uring": Side({"tcp unix": [BIN / "net_limit_uring"]}),
    "Asio": Side({"tcp unix udp": [BIN / "net_asio"]}, "libasio-dev"),
    "tokio": Side({"tcp unix udp": [BIN / "net_tokio"]}, "cargo librust-tokio-dev"),
    "libuv": Side({"tcp unix udp": [BIN / "net_libuv"]}, "libuv1-dev"),
    "hyper": Side({"http": [BIN / "net_hyper"], "client": [BIN / "client_hyper"]},
                  "cargo librust-hyper-dev"),
    "nginx": Side({"http": ["nginx", "-p", "@FOLDER@", "-c", "@FOLDER@/nginx.conf"]},
                  "nginx-light", template=PEERS / "nginx/nginx.conf"),
    "h2o": Side({"http": ["h2o", "-c", "@FOLDER@/h2o.conf"]}, "h2o",
                template=PEERS / "h2o/h2o.conf"),
    "Beast": Side({"http": [BIN / "net_beast"]}, "libboost1.81-dev"),
    "Go": Side({"tcp unix udp tls http": [BIN / "net_go"]}, "golang-go"),
    "libcurl": Side({"client": [BIN / "client_curl"]}, "libcurl4-openssl-dev"),
    "aiohttp": Side({"client": [PYTHON, PEERS / "python/net/client.py"]}, "python3-aiohttp",
                    every=2),
    "uvloop": python("uvloop"),
    "CPython": python("asyncio"),
}
