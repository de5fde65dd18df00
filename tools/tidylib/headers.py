"""Headers compile by themselves (one generated source each, checked by clang), and GCC takes them
and the sources too.

What was found good is remembered in build/tidy by the text of the file and of all it includes, so
that the second run takes a moment.
"""
import concurrent.futures
import hashlib
import os
import shutil
import subprocess

from .includes import is_test, resolve
from .tree import Problem

COMMON = ["-std=c++20", "-fsyntax-only", "-I/usr/include/libxml2"]
CLANG = (("clang++-19", "clang++-20", "clang++"),
         [*COMMON, "-Wall", "-Wextra", "-Werror", "-DASYNCIO_STRICT_LIFETIMES"])
# GCC 12 miscompiles coroutines, but what it refuses to parse newer ones refuse too.
GCC = (("g++-12", "g++-13", "g++-14"), [*COMMON, "-w", "-DASYNCIO_ALLOW_OLD_GCC"])


def closure(tree, path):
    """The file and everything of the project that it includes."""
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


def fingerprint(tree, path, command):
    digest = hashlib.sha256(" ".join(command).encode())
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


def compile_alone(tree, folder, command, path):
    """None where it compiles, else the first errors that the compiler names."""
    source = f'#include "{path}"\n'
    if path.endswith(".hpp"):
        source *= 2  # the second time #pragma once must hold
    done = subprocess.run([*command, f"-I{folder}", f"-I{tree.root}", "-x", "c++", "-"],
                          input=source, capture_output=True, text=True, cwd=tree.root)
    if done.returncode == 0:
        return None
    lines = [line for line in done.stderr.splitlines() if "error" in line] or [done.stderr.strip()]
    return "; ".join(lines[:2])


def compile_all(tree, memory_name, command, paths):
    """(path, what the compiler says) for each file that does not compile."""
    folder = tree.root / "build" / "tidy"
    folder.mkdir(parents=True, exist_ok=True)
    write_config(tree, folder)
    memory = folder / memory_name
    known = set(memory.read_text().split()) if memory.exists() else set()
    marks = {path: fingerprint(tree, path, command) for path in paths}
    to_do = [path for path, mark in marks.items() if mark not in known]
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 2) as pool:
        said = pool.map(lambda path: compile_alone(tree, folder, command, path), to_do)
        for path, message in zip(to_do, said):
            if message is None:
                known.add(marks[path])
            else:
                yield path, message
    memory.write_text("\n".join(sorted(known & set(marks.values()))) + "\n")


def headers_of(tree):
    return tree.matching(".hpp", under="asyncio/") + tree.matching(".hpp", under="apps/")


def self_contained(tree):
    compiler = next(filter(shutil.which, CLANG[0]), None)
    if compiler is None:
        yield Problem("asyncio", 1, "no clang to check the headers with", "run tools/bootstrap")
        return
    command = [compiler, *CLANG[1]]
    for path, message in compile_all(tree, "headers.txt", command, headers_of(tree)):
        yield Problem(path, 1, f"the header does not compile by itself: {message}",
                      "include what it uses")


def gcc(tree):
    compiler = next(filter(shutil.which, GCC[0]), None)
    if compiler is None:
        yield Problem("asyncio", 1, "no GCC to check the sources with", "run tools/bootstrap")
        return
    sources = [path for path in tree.matching(".cpp", under="asyncio/") if not is_test(path)]
    umbrellas = [path for path in headers_of(tree) if path.count("/") == 1]
    for path, message in compile_all(tree, "gcc.txt", [compiler, *GCC[1]], umbrellas + sources):
        yield Problem(path, 1, f"{compiler} refuses it: {message}",
                      "keep to what both compilers take; for one, no braced list inside co_await")
