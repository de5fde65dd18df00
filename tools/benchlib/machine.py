"""Where a measurement was made: the machine, the compilers and flags, the versions of the peers."""
import json
import os
import pathlib
import platform
import re
import shlex
import subprocess
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BUILD = ROOT / "build/release"
BIN = BUILD / "bin"
PYTHON = "/usr/bin/python3"  # Debian's, which has python3-uvloop and python3-aiohttp
LOAD_BEFORE = os.getloadavg()[0]


def output_of(*command):
    """What a command says on either stream, or nothing where there is no such command."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return (done.stdout.strip() or done.stderr.strip()) if done.returncode == 0 else ""


def compiler():
    cache = (BUILD / "CMakeCache.txt").read_text()
    return re.search(r"^CMAKE_CXX_COMPILER:\w+=(.*)$", cache, re.M)[1]


def flags_of(source):
    for entry in json.loads((BUILD / "compile_commands.json").read_text()):
        if entry["file"].endswith(source):
            words = shlex.split(entry["command"])
            return " ".join(w for w in words if re.match(r"-(O|std|D|f|m)", w))
    return "unknown"


def number_in(header, macro):
    """The value of a macro in a header that is installed, or None."""
    try:
        text = pathlib.Path(header).read_text()
    except OSError:
        return None
    return int(re.search(rf"define {macro} +(\d+)", text)[1])


def asio_version():
    number = number_in("/usr/include/asio/version.hpp", "ASIO_VERSION")
    return number and f"{number // 100000}.{number // 100 % 1000}.{number % 100}"


def beast_version():
    number = number_in("/usr/include/boost/version.hpp", "BOOST_VERSION")
    return number and f"{number // 100000}.{number // 100 % 1000}.{number % 100}"


def crate_version(name):
    found = sorted(pathlib.Path("/usr/share/cargo/registry").glob(f"{name}-[0-9]*"))
    return found and found[-1].name.removeprefix(f"{name}-")


def module_version(module):
    return output_of(PYTHON, "-c", f"import {module}; print({module}.__version__)")


def first_number(text):
    found = re.search(r"\d+\.\d+[.\d]*", text)
    return found and found[0]


# Peer: how to ask for its version.
VERSIONS = {
    "Asio": asio_version,
    "tokio": lambda: crate_version("tokio"),
    "hyper": lambda: crate_version("hyper"),
    "Go": lambda: first_number(output_of("go", "version")),
    "libuv": lambda: output_of("pkg-config", "--modversion", "libuv"),
    "CPython": lambda: first_number(output_of(PYTHON, "--version")),
    "uvloop": lambda: module_version("uvloop"),
    "aiohttp": lambda: module_version("aiohttp"),
    "Beast": beast_version,
    "nginx": lambda: first_number(output_of("nginx", "-v")),
    "h2o": lambda: first_number(output_of("h2o", "--version")),
    "libcurl": lambda: output_of("pkg-config", "--modversion", "libcurl"),
}
RUST = ("tokio", "hyper")


def versions(peers):
    """One line: the peers of a table with their versions, and how the Rust ones were built."""
    words = [f"{peer} {VERSIONS[peer]()}" for peer in peers if peer in VERSIONS]
    rust = ""
    if any(peer in RUST for peer in peers):
        rust = f"; {output_of('/usr/bin/rustc', '--version')}: `-O3`, LTO, one unit, no unwinding"
    return f"- Peers: {', '.join(words)}{rust}."


def header(rounds, source):
    """Lines about the machine, the compiler with the flags of `source`, and the commit."""
    cpu = re.search(r"model name\s*:\s*(.*)", pathlib.Path("/proc/cpuinfo").read_text())
    changed = " with changes" if output_of("git", "-C", str(ROOT), "status", "--porcelain",
                                           "--", "asyncio", "bench") else ""
    return [
        f"- Machine: {cpu[1] if cpu else platform.processor()}, {os.cpu_count()} CPUs, Linux "
        f"{platform.release()}; load average {LOAD_BEFORE:.1f} at the start, "
        f"{os.getloadavg()[0]:.1f} at the end.",
        f"- Compiler: {output_of(compiler(), '--version').splitlines()[0]}; all C++: "
        f"`{flags_of(source)}`.",
        f"- Commit {output_of('git', '-C', str(ROOT), 'rev-parse', '--short', 'HEAD')}{changed}; "
        f"{'one round' if rounds == 1 else f'{rounds} rounds'}; "
        f"{time.strftime('%Y-%m-%d', time.gmtime())}.",
    ]
