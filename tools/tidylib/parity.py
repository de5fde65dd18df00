"""docs/parity.md: every public name of Python's asyncio, present or explained, none made up."""
import csv
import io
import posixpath
import re

from .tree import Problem

TABLE = "docs/parity.md"
NAMES = "docs/asyncio-names.csv"
SHAPE = "| `Python name` | `C++ name` or - or not yet | `header` or - | `test` or the reason |"
CASE = re.compile(r"\b(?:TEST|TEST_F|TEST_P|TYPED_TEST|ASYNCIO_TEST\w*)\s*\(\s*(\w+)\s*,\s*(\w+)")


def rows(tree):
    """(line, cells) of each row of the tables that begins with a name in backticks."""
    for number, line in enumerate(tree.lines(TABLE), 1):
        if line.startswith("| `"):
            yield number, [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip()[1:-1])]


def test_names(tree):
    names = set()
    for path in tree.matching(".cpp"):
        for suite, case in CASE.findall(tree.text(path)):
            names.update((f"{suite}.{case}", suite))
    return names


def words_of(tree, header):
    """Every word of a header and of what it includes from the project."""
    words, queue, seen = set(), [header], set()
    while queue:
        path = queue.pop()
        if path in seen or not tree.exists(path):
            continue
        seen.add(path)
        words.update(re.findall(r"~?\w+", tree.code(path)))
        queue += [what for _, what, _ in tree.includes(path) if what.startswith("asyncio/")]
    return words


def parity(tree):
    for path in (NAMES, TABLE):
        if not tree.exists(path):
            cure = f"every name of {NAMES} needs a row {SHAPE}" if path == TABLE else "restore it"
            yield Problem(path, 1, "the file is missing", cure)
            return
    wanted = {row["name"]: row["module"] for row in csv.DictReader(io.StringIO(tree.text(NAMES)))}
    tests, words = test_names(tree), {}
    seen = {}
    for number, cells in rows(tree):
        if len(cells) != 4:
            yield Problem(TABLE, number, f"{len(cells)} cells instead of 4", f"write {SHAPE}")
            continue
        name = cells[0].strip("`")
        if name in seen:
            yield Problem(TABLE, number, f"{name} stands in line {seen[name]} already",
                          "remove one of them")
        elif name not in wanted:
            yield Problem(TABLE, number, f"Python has no {name}", f"use the names of {NAMES}")
        seen[name] = number
        yield from _one_row(tree, tests, words, number, cells)
    for name in sorted(set(wanted) - set(seen)):
        yield Problem(TABLE, 1, f"{wanted[name]}: {name} is missing", f"add a row {SHAPE}")


def _one_row(tree, tests, words, number, cells):
    name, ours, header, covered = (cell.replace("\\|", "|") for cell in cells)
    if ours in ("-", "not yet"):
        if len(covered) < 8:
            yield Problem(TABLE, number, f"{name} has no C++ form, and no reason why",
                          "write the reason into the last cell")
        return
    header = header.strip("`")
    if not header.endswith(".hpp") or not tree.exists(header):
        yield Problem(TABLE, number, f"{name}: the header {header} does not exist",
                      "name the header that declares it, as `asyncio/folder/file.hpp`")
        return
    if header not in words:
        words[header] = words_of(tree, header)
    for form in re.findall(r"`([^`]+)`", ours) or [ours]:
        # The last name before any argument list: `loop.call_later(1s, f)` names call_later.
        called = re.match(r"[\w:.~>-]*?(~?\w+)\s*(?:[(<{].*)?$", form.strip())
        if not called or called[1] not in words[header]:
            yield Problem(TABLE, number, f"{name}: {header} does not declare {form}",
                          "correct the name or the header")
    quoted = re.findall(r"`([^`]+)`", covered)
    for test in quoted:
        is_file = "/" in test and tree.exists(posixpath.normpath(test))
        if not is_file and test not in tests:
            yield Problem(TABLE, number, f"{name}: there is no test {test}",
                          "name a test as `Suite.case`, or the file of a scenario or an example")
    if not quoted and len(covered) < 8:
        yield Problem(TABLE, number, f"{name}: no test, and no reason why",
                      "name the test that covers it as `Suite.case` or `path`")
