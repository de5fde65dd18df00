"""What must stand beside what: a test beside every source, a target around every program."""
import posixpath
import re

from .tree import Problem

UNTESTED = "tools/tidy_untested.txt"
NOT_SOURCES = ("_test.cpp", "_bench.cpp", "_fuzz.cpp")
BUILT = ("asyncio/", "apps/", "examples/", "bench/", "tests/")


def tests_beside_sources(tree):
    excused = {}
    for number, words in tree.list_file(UNTESTED):
        if len(words) < 4:
            yield Problem(UNTESTED, number, "the reason is missing",
                          "write `asyncio/folder/file.cpp` and why it has no test of its own")
        excused[words[0]] = number
    for path in tree.matching(".cpp", under="asyncio/"):
        if path.endswith(NOT_SOURCES):
            continue
        folder, name = posixpath.split(path)
        test = name.replace(".cpp", "_test.cpp")
        places = [f"{folder}/{test}"]
        if folder.endswith("/internal"):
            places.append(f"{posixpath.dirname(folder)}/{test}")
        if any(tree.exists(place) for place in places):
            if path in excused:
                yield Problem(UNTESTED, excused[path], f"{path} has a test now", "remove the line")
        elif path not in excused:
            yield Problem(path, 1, f"{test} is missing", f"write {places[0]}; where its tests stand"
                          f" elsewhere, say where in {UNTESTED}")
    for path, number in sorted(excused.items()):
        if not tree.exists(path):
            yield Problem(UNTESTED, number, f"{path} does not exist", "remove the line")


def sources_are_built(tree):
    """A .cpp that no CMakeLists.txt reaches is dead."""
    for path in tree.matching(".cpp"):
        if not path.startswith(BUILT):
            yield Problem(path, 1, "no target builds this file",
                          f"move it below one of {', '.join(BUILT)}")
            continue
        if path.startswith(("asyncio/", "tests/install/")):
            continue  # whole folders: cmake/Libraries.cmake, tests/install/check
        folder, name = posixpath.split(path)
        while folder and not tree.exists(f"{folder}/CMakeLists.txt"):
            folder = posixpath.dirname(folder)
        lists = tree.text(f"{folder}/CMakeLists.txt") if folder else ""
        # asyncio_add_fuzz(url ...) builds url_fuzz.cpp
        stem = name.removesuffix(".cpp").removesuffix("_fuzz")
        if "GLOB" not in lists and not re.search(rf"\b{re.escape(stem)}\b", lists):
            yield Problem(path, 1, f"{folder or '.'}/CMakeLists.txt does not build this file",
                          "add it there, or delete it")


def tools_are_used(tree):
    """A file of tools/ that nothing names is dead."""
    tools = [path for path in tree.files if path.startswith("tools/")]
    readers = [path for path in tree.files
               if path.endswith((".txt", ".md", ".py", ".cmake", "Makefile", ".json", ".in"))
               or path.startswith((".ci/", "tools/", "tests/"))]
    for path in tools:
        name = posixpath.basename(path)
        word = re.compile(rf"\b{re.escape(name.removesuffix('.py'))}\b")
        if name != "__init__.py" and not any(
                word.search(tree.text(reader)) for reader in readers if reader != path):
            yield Problem(path, 1, "nothing names this tool", "call it from the Makefile or a"
                          " script, or delete it")
