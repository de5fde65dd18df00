"""The four contract lines above every awaitable type of a public header."""
import re

from .tree import Problem, line_of

LIST = "tools/awaitable_types.txt"
LINES = ("Order", "Cancellation", "Threads", "Lifetime")
AWAITS = re.compile(r"\bawait_ready\s*\(|\boperator\s+co_await\b")
TYPE = re.compile(
    r"^(?P<head>(?:template\s*<[^;{]*?>\s*)?(?:requires[^;{]*?\s)?(?:class|struct)\s+"
    r"(?:\[\[[^\]]*\]\]\s*|[A-Z][A-Z_]+(?:\([^)]*\))?\s+)*"
    r"(?P<name>\w+)(?:\s+final)?)\s*(?::[^;{]*)?\{",
    re.MULTILINE)


def types(tree, path):
    """(name, line, body) of each class at namespace scope: those whose head begins a line."""
    code = tree.code(path)
    for match in TYPE.finditer(code):
        end = code.find("\n};", match.end())
        yield match["name"], line_of(code, match.start()), code[match.end():end]


def comment_above(lines, line):
    """The lines of the comment that ends just above `line` (counted from 1)."""
    above = line - 2
    while above >= 0 and lines[above].startswith(("template", "requires", "  requires", "#if")):
        above -= 1
    found = []
    while above >= 0 and lines[above].startswith("//"):
        found.insert(0, lines[above])
        above -= 1
    return found


def missing_lines(comment):
    """The first contract line that is not there, or not in its place; '' where all is well."""
    position = 0
    for wanted in LINES:
        while position < len(comment) and not comment[position].startswith(f"// {wanted}:"):
            position += 1
        if position == len(comment):
            return wanted
        position += 1
    return ""


def in_detail(tree, path, line):
    """Whether the type stands in a namespace detail: nobody outside names it."""
    opened = False
    for text in tree.lines(path)[:line - 1]:
        if re.match(r"namespace\s+([\w:]*::)?detail\b", text):
            opened = True
        elif re.match(r"}\s*// namespace ([\w:]*::)?detail\b", text):
            opened = False
    return opened


def own_members(body):
    """The body of a class without the bodies of its functions and of the types inside it."""
    depth, kept = 0, []
    for letter in body:
        depth += letter == "{"
        if depth == 0:
            kept.append(letter)
        depth -= letter == "}"
    return "".join(kept)


def contract_lines(tree):
    listed = {}
    for number, words in tree.list_file(LIST):
        if len(words) != 2 or not tree.exists(words[0]):
            yield Problem(LIST, number, f"cannot use `{' '.join(words)}`",
                          "write `asyncio/folder/header.hpp Type`, or remove the line")
            continue
        listed[tuple(words)] = number
    for path in tree.matching(".hpp", under="asyncio/"):
        if "/internal/" in path:
            continue
        for name, line, body in types(tree, path):
            wanted = listed.pop((path, name), None)
            if wanted is None and (not AWAITS.search(own_members(body)) or name.endswith("Awaiter")
                                   or in_detail(tree, path, line)):
                continue  # the type that gives an Awaiter carries the contract
            lacking = missing_lines(comment_above(tree.lines(path), line))
            if lacking:
                yield Problem(path, line,
                              f"{name} is awaitable, but its contract lacks `{lacking}:`",
                              "write the four lines Order, Cancellation, Threads, Lifetime, in that"
                              " order, in the comment above it")
    for (path, name), number in sorted(listed.items()):
        yield Problem(LIST, number, f"{path} has no type {name}", "remove the line")
