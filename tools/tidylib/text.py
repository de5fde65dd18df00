"""What can be seen line by line: width, length, marks of unfinished work, sleeping tests, heads."""
import re

from .tree import Problem

COLUMNS = 100
LINES = 700
# Spelt in parts, so that this file does not hold what it forbids.
UNFINISHED = re.compile(r"\b(TO" r"DO|FIX" r"ME|XX" r"X|HA" r"CK)\b")
SLEEP = re.compile(r"\b(sleep_for|sleep_until|usleep|nanosleep)\s*\(")
# Recorded programs and their twins in C++: they follow Python's text, blocking calls included.
RECORDED = "tests/parity/"
SCRIPTS = ("tools/", "tests/", ".ci/", "cmake/")


def is_source(tree, path):
    if path.endswith((".hpp", ".cpp", ".hpp.in", ".py", ".cmake", ".sh", "CMakeLists.txt")):
        return True
    in_scripts = path.startswith(SCRIPTS) and "." not in path.split("/")[-1]
    return in_scripts and tree.text(path).startswith("#!")


def width(tree):
    for path in tree.files:
        if not is_source(tree, path) or path.startswith(RECORDED + "python/"):
            continue
        for number, line in enumerate(tree.lines(path), 1):
            if len(line) > COLUMNS and not re.search(r"https?://\S{60,}", line):
                yield Problem(path, number, f"{len(line)} columns, at most {COLUMNS} are allowed",
                              "break the line (make format)")


def length(tree):
    for path in tree.matching(".hpp", ".cpp", ".py"):
        count = len(tree.lines(path))
        if count > LINES:
            yield Problem(path, LINES, f"{count} lines, at most {LINES} are allowed",
                          "one concept a file: move one of its concepts to a file of its own")


def unfinished(tree):
    for path in tree.files:
        if not is_source(tree, path) and not path.endswith(".md"):
            continue
        for number, line in enumerate(tree.lines(path), 1):
            match = UNFINISHED.search(line)
            if match:
                yield Problem(path, number, f"{match[0]} marks unfinished work",
                              "finish it, or say in prose what is not there and why")


def sleeping_tests(tree):
    for path in tree.matching(".cpp"):
        if not path.endswith("_test.cpp") and not path.startswith("tests/"):
            continue
        if path.startswith(RECORDED):
            continue
        code = tree.code(path).splitlines()
        for number, line in enumerate(code, 1):
            if SLEEP.search(line) and "tidy: sleeps because" not in tree.lines(path)[number - 1]:
                yield Problem(path, number, "a test sleeps in real time",
                              "use virtual time (ASYNCIO_TEST), an Event, a latch; where nothing"
                              " else will do end the line with `// tidy: sleeps because ...`")


def heads(tree):
    """A header begins by saying what it is, and has `#pragma once` before anything else."""
    for path in tree.matching(".hpp", ".hpp.in"):
        lines = tree.lines(path)
        name = path.split("/")[-1].removesuffix(".in")
        if not lines or not lines[0].startswith(f"// {name}"):
            yield Problem(path, 1, "the header does not say what it is",
                          f"begin it with `// {name}: what is here`")
        code = [line for line in tree.code(path).splitlines() if line.strip()]
        if not code or code[0].strip() != "#pragma once":
            yield Problem(path, 1, "`#pragma once` is not the first line of code",
                          "put it directly below the comment at the head")
