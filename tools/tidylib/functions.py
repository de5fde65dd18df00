"""Length of functions, C++ and Python, with a ratchet: those on the list may only shrink."""
import ast
import bisect
import re

from .tree import Problem

LONGEST = 70
RATCHET = "tools/tidy_ratchet.txt"
SCOPE = re.compile(r"(^|[\s;>)])(namespace|class|struct|union|enum|extern)\b")


def cpp_functions(code):
    """(name, first line, last line) of each function body at namespace or class scope."""
    newlines = [position for position, letter in enumerate(code) if letter == "\n"]

    def line(position):
        return bisect.bisect_left(newlines, position) + 1

    code = re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", lambda m: re.sub(r"[^\n]", " ", m[0]), code,
                  flags=re.MULTILINE)
    start, position, scopes = 0, 0, []
    while position < len(code):
        letter = code[position]
        if letter == ";":
            start = position + 1
        elif letter == "}":
            if scopes:
                scopes.pop()
            start = position + 1
        elif letter == "(":
            position = closing(code, position, "(", ")")
        elif letter == "{":
            head = code[start:position]
            name = function_name(head)
            if name is None and is_scope(head):
                scopes.append(head)
                start = position + 1
            else:
                end = closing(code, position, "{", "}")
                if name is not None and not initialises_member(head, code, end):
                    first = line(start + len(head) - len(head.lstrip()))
                    yield name, first, line(end)
                    start = end + 1
                position = end  # a braced initialiser otherwise: the head goes on behind it
        position += 1


def closing(code, position, opens, closes):
    """Where the bracket at `position` ends."""
    depth = 0
    for index in range(position, len(code)):
        if code[index] == opens:
            depth += 1
        elif code[index] == closes:
            depth -= 1
            if depth == 0:
                return index
    return len(code) - 1


def is_scope(head):
    return bool(SCOPE.search(without_angles(head))) or not head.strip()


def without_angles(head):
    """<...> of templates and [[...]] removed, so that `class T` in them does not count."""
    head = re.sub(r"\[\[.*?\]\]", " ", head, flags=re.DOTALL)
    while True:
        shorter = re.sub(r"<[^<>]*>", " ", head)
        if shorter == head:
            return head
        head = shorter


def initialises_member(head, code, end):
    """`Name(...) : member{1}, other(2) {`: the brace after `member` is no body."""
    if not re.search(r"\)\s*(noexcept\s*)?:[^:]", head):
        return False
    return bool(re.match(r"\s*[,{]", code[end + 1:end + 200]))


def function_name(head):
    """The name where the text before a brace is a function's, else None."""
    plain = without_angles(head)
    if re.search(r"(^|[\s;])(namespace|enum|extern)\b", plain) or "(" not in plain:
        return None
    if re.search(r"\b(class|struct|union)\b[^()]*$", plain):
        return None
    if re.search(r"=\s*$", plain) or re.search(r"^[^()]*=[^()]*(\[|$)", plain):
        return None  # a variable
    match = re.search(r"([~\w:]+|operator\s*[^\s(]+|operator\s*\(\s*\))\s*\(", plain)
    if not match:
        return None
    name = match[1]
    if name in ("TEST", "TEST_F", "TEST_P", "TYPED_TEST", "ASYNCIO_TEST", "BENCHMARK_DEFINE_F"):
        inside = re.search(r"\(([^)]*)\)", plain)
        return re.sub(r"\s*,\s*", ".", inside[1].strip()) if inside else name
    if name in ("requires", "decltype", "alignas", "if", "while", "for", "switch", "explicit"):
        later = re.search(r"([~\w:]+)\s*\([^()]*\)[^()]*$", plain)
        return later[1] if later else name
    return name


def python_functions(text):
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.name, node.lineno, node.end_lineno


def all_functions(tree):
    for path in tree.matching(".hpp", ".cpp"):
        yield path, cpp_functions(tree.code(path))
    for path in tree.files:
        if path.endswith(".py") or (path.startswith(("tools/", "tests/"))
                                    and tree.text(path).startswith("#!/usr/bin/env python3")):
            yield path, python_functions(tree.text(path))


def lengths(tree):
    allowed = {}
    for number, words in tree.list_file(RATCHET):
        if len(words) != 2 or not words[1].isdigit():
            yield Problem(RATCHET, number, "cannot read this line", "write `path:function lines`")
            continue
        allowed[words[0]] = (number, int(words[1]))
    longest = {}
    for path, functions in all_functions(tree):
        for name, first, last in functions:
            key, size = f"{path}:{name}", last - first + 1
            if size > LONGEST and size > longest.get(key, (0, 0))[0]:
                longest[key] = (size, first)
    for key, (size, first) in sorted(longest.items()):
        path, name = key.split(":", 1)
        if key not in allowed:
            yield Problem(path, first, f"{name} has {size} lines, at most {LONGEST} are allowed",
                          "split it: branching in the parent, straight work in helpers")
        elif size > allowed[key][1]:
            yield Problem(path, first, f"{name} grew from {allowed[key][1]} to {size} lines",
                          "move what was added to a helper; old offenders may only shrink")
    for key, (number, size) in sorted(allowed.items()):
        now = longest.get(key, (0, 0))[0]
        if now < size:
            cure = f"write {now} instead of {size}" if now else "remove the line"
            yield Problem(RATCHET, number, f"{key} has shrunk", cure)
