"""Headers compile by themselves: one generated source each, checked by clang.

What was found good is remembered in build/tidy by the text of the header and of all it includes, so
that the second run takes a moment.
"""
import concurrent.futures
import hashlib
import os
import shutil
import subprocess

from .includes import is_test, resolve
from .tree import Problem

FLAGS = ["-std=c++20", "-fsyntax-only", "-Wall", "-Wextra", "-Werror", "-DASYNCIO_STRICT_LIFETIMES"]
CLANGS = ("clang++-19", "clang++-20", "clang++")


def closure(tree, path):
    """The header and everything of the project that it includes."""
    found, queue = set(), [path]
    while queue:
        path = queue.pop()
        if path in found or not tree.exists(path):
            continue
        found.add(path)
        for _, what, quoted in tree.includes(path):
            other = resolve(tree, path, what, quoted)
            if other:
                queue.append(other)
    return sorted(found)


def fingerprint(tree, path, compiler):
    digest = hashlib.sha256(" ".join([compiler, *FLAGS]).encode())
    for file in closure(tree, path):
        digest.update(file.encode() + b"\0" + tree.text(file).encode() + b"\0")
    return digest.hexdigest()


def write_config(tree, folder):
    """asyncio/base/config.hpp as CMake would make it, for a check without a build."""
    template = "asyncio/base/config.hpp.in"
    if not tree.exists(template):
        return
    text = tree.text(template)
    for name in ("MAJOR", "MINOR", "PATCH"):
        text = text.replace(f"@PROJECT_VERSION_{name}@", "0")
    text = text.replace("@PROJECT_VERSION@", "0").replace("@ASYNCIO_POOL_PASSTHROUGH@", "0")
    (folder / "asyncio/base").mkdir(parents=True, exist_ok=True)
    (folder / "asyncio/base/config.hpp").write_text(text)


def compile_alone(tree, folder, compiler, path):
    """None where it compiles, else the first lines of what the compiler says."""
    source = f'#include "{path}"\n#include "{path}"\n'
    done = subprocess.run(
        [compiler, *FLAGS, f"-I{folder}", f"-I{tree.root}", "-I/usr/include/libxml2",
         "-x", "c++", "-"],
        input=source, capture_output=True, text=True, cwd=tree.root)
    if done.returncode == 0:
        return None
    lines = [line for line in done.stderr.splitlines() if "error" in line] or ["no message"]
    return "; ".join(lines[:2])


def self_contained(tree):
    compiler = next((name for name in CLANGS if shutil.which(name)), None)
    if compiler is None:
        yield Problem("asyncio", 1, "no clang to check the headers with", "run tools/bootstrap")
        return
    folder = tree.root / "build" / "tidy"
    folder.mkdir(parents=True, exist_ok=True)
    write_config(tree, folder)
    memory = folder / "headers.txt"
    known = set(memory.read_text().split()) if memory.exists() else set()
    headers = tree.matching(".hpp", under="asyncio/") + tree.matching(".hpp", under="apps/")
    marks = {path: fingerprint(tree, path, compiler) for path in headers if not is_test(path)}
    to_do = [path for path, mark in marks.items() if mark not in known]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 2) as pool:
        said = pool.map(lambda path: compile_alone(tree, folder, compiler, path), to_do)
        for path, message in zip(to_do, said):
            if message is None:
                known.add(marks[path])
            else:
                yield Problem(path, 1, f"the header does not compile by itself: {message}",
                              "include what it uses")
    memory.write_text("\n".join(sorted(known & set(marks.values()))) + "\n")
