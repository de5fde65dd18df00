#!/usr/bin/env python3
"""Does what docs/guide/first_steps.md says, with an installation of this build: writes its files,
runs its commands in order, and compares what they print.

Usage: first_steps.py BUILD_DIR COMPILER
In an expected line `...` stands for any text; a line `...` alone for any number of lines.
"""
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile

PAGE = pathlib.Path(__file__).resolve().parents[2] / "docs" / "guide" / "first_steps.md"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def steps():
    """(kind, argument, content): ("file", name, text) or ("run", expected output, commands)."""
    text = PAGE.read_text()
    blocks = list(BLOCK.finditer(text))
    for index, block in enumerate(blocks):
        before = text[text.rfind("\n\n", 0, block.start()):block.start()]
        if file := re.search(r"<!-- file: (\S+) -->", before):
            yield "file", file[1], block[2]
        elif "<!-- run -->" in before:
            follows = blocks[index + 1]
            expected = follows[2] if follows[1] == "text" else ""
            yield "run", expected, block[2]


def pattern_of(expected):
    parts = []
    for line in expected.splitlines():
        if line == "...":
            parts.append(r"(?:.*\n)*?")
        else:
            parts.append(".*".join(map(re.escape, line.split("..."))) + r"\n")
    return re.compile("".join(parts))


def main(build, compiler):
    with tempfile.TemporaryDirectory() as scratch:
        prefix = pathlib.Path(scratch, "prefix")
        subprocess.run(["cmake", "--install", build, "--prefix", prefix], check=True,
                       stdout=subprocess.DEVNULL)
        environment = {**os.environ, "PATH": f"{prefix}/bin:{os.environ['PATH']}", "CXX": compiler,
                       "XDG_CACHE_HOME": f"{scratch}/cache"}
        folder = pathlib.Path(scratch)
        for kind, argument, content in steps():
            if kind == "file":
                (folder / argument).write_text(content)
                continue
            done = run(content, folder, environment)
            folder = pathlib.Path(done[1])
            if not pattern_of(argument).fullmatch(done[0]):
                print(f"{PAGE.name}: these commands\n{content}\nprinted\n{done[0]}\nand not\n"
                      f"{argument}")
                return 1
        return second_run_is_quick(folder, environment)


def run(script, folder, environment):
    """What a script prints, and the folder that it ends in."""
    where = folder / ".where"
    output = folder / ".output"  # a file: what is left in the background would keep a pipe open
    with open(output, "w") as file:
        shell = subprocess.Popen(["bash", "-e", "-c", f"{script}\npwd > '{where}'"], cwd=folder,
                                 env=environment, stdout=file, stderr=file,
                                 start_new_session=True)
        try:
            status = shell.wait(timeout=280)
        finally:
            try:
                os.killpg(shell.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass  # nothing is left
    printed = output.read_text()
    if status != 0:
        raise SystemExit(f"{script}\nended with {status} and printed\n{printed}")
    return printed, where.read_text().strip()


def second_run_is_quick(folder, environment):
    """CPU time, since the machine may be busy: what was compiled is not compiled again."""
    (folder / "quick.cpp").write_text("#include <asyncio/asyncio.hpp>\nint main() { return 7; }\n")
    for expected in (60.0, 0.1):
        before = os.times()
        status = subprocess.run(["asyncio", "run", "quick.cpp"], cwd=folder, env=environment,
                                check=False).returncode
        after = os.times()
        spent = (after.children_user - before.children_user
                 + after.children_system - before.children_system)
        if status != 7 or spent > expected:
            print(f"asyncio run quick.cpp ended with {status} after {spent:.2f} s of CPU")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
