#!/usr/bin/env python3
"""Writes docs/parity.md from docs/parity_map.csv.

  parity_table.py           writes docs/parity.md
  parity_table.py --check   exits with 1 where docs/parity.md is not what would be written

Every name of docs/asyncio-names.csv becomes a row. parity_map.csv says for each: its C++ form, the
header that declares it, what covers it (ids of tests/parity, `Suite.case` or `path` in backticks,
or a sentence), and in `until` why it may be missing: where the header does not declare the name
yet, the row says `not yet` with that reason, and turns into the form by itself once it does. A form
of `-` has no C++ counterpart; the sentence says why. Python's loop classes, transports and queues
repeat each other's methods: FAMILIES sends those names to one entry.
"""
import csv
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
MAP, NAMES, TABLE = (ROOT / "docs" / name for name in
                     ("parity_map.csv", "asyncio-names.csv", "parity.md"))

LOOPS = ("AbstractEventLoop", "BaseEventLoop", "SelectorEventLoop", "EventLoop",
         "BaseSelectorEventLoop")
FAMILIES = {
    **{name: "Loop" for name in LOOPS},
    "AbstractServer": "Server",
    "PriorityQueue": "Queue", "LifoQueue": "Queue",
    "BaseTransport": "Transport", "ReadTransport": "Transport", "WriteTransport": "Transport",
    "BaseProtocol": "Protocol", "BufferedProtocol": "Protocol", "DatagramProtocol": "Protocol",
}
NO_COUNTERPART = [
    (r"\w*ChildWatcher(\.\w+)?$", "removed in Python 3.14; children are watched through a pidfd"),
    (r"\w*EventLoopPolicy(\.\w+)?$", "policies are deprecated in Python and go away in 3.16"),
    (r"StreamReaderProtocol\.\w+$", "called by the transport: the virtual functions of Protocol"),
]

HEAD = """# Parity: every public name of Python's asyncio

Written by `tools/parity_table.py` from `docs/parity_map.csv`; edit that. The names are those of
CPython 3.14 (`docs/asyncio-names.csv`). Ids such as s001 and x001 are scenarios of `tests/parity/`:
programs that print CPython's trace in C++. *not yet* says what the name waits for; `-` that it has
no C++ form, and why. What differs on purpose: [differences](from_python/differences.md).
"""


class Mistake(Exception):
    """The map contradicts the project."""


def read_map():
    with open(MAP, newline="") as file:
        return {row["python"]: row for row in csv.DictReader(file)}


def entry_for(name, entries):
    """The row of the map that `name` is described by."""
    if name in entries:
        return entries[name]
    owner, _, member = name.partition(".")
    family = FAMILIES.get(owner)
    candidates = [f"{owner}.*"]
    if family:
        candidates.insert(0, f"{family}.{member}" if member else family)
    for candidate in candidates:
        if candidate in entries:
            return entries[candidate]
    for pattern, reason in NO_COUNTERPART:
        if re.match(pattern, name):
            return {"cpp": "-", "header": "-", "covered": reason, "until": ""}
    raise Mistake(f"{MAP.name}: {name} is missing")


class Headers:
    """Which words a header of the project, and what it includes, declares."""

    def __init__(self):
        self.words = {}

    def declares(self, header, form):
        word = re.findall(r"~?\w+", form)[-1]
        if header not in self.words:
            self.words[header] = self._collect(header)
        return word in self.words[header]

    def _collect(self, header):
        words, queue, seen = set(), [header], set()
        while queue:
            path = queue.pop()
            if path in seen or not (ROOT / path).exists():
                continue
            seen.add(path)
            text = (ROOT / path).read_text()
            queue += re.findall(r'#include "(asyncio/[^"]+)"', text)
            words.update(re.findall(r"~?\w+", re.sub(r"//[^\n]*", "", text)))
        return words


def scenario_files():
    """id of a scenario -> file that registers it."""
    files = {}
    for path in sorted((ROOT / "tests" / "parity").glob("*.cpp")):
        for scenario in re.findall(r"^PARITY(?:_RUN)?\((\w+)", path.read_text(), re.M):
            files[scenario] = path.relative_to(ROOT).as_posix()
    return files


def coverage(covered, scenarios):
    """The last cell: ids become 'id in `file`', grouped by file; (text, all of them exist)."""
    if not re.fullmatch(r"[sx]\d+( [sx]\d+)*", covered):
        paths = re.findall(r"`([^`]+/[^`]+)`", covered)
        return covered, all((ROOT / path).exists() for path in paths)
    by_file = {}
    for scenario in covered.split():
        if scenario in scenarios:
            by_file.setdefault(scenarios[scenario], []).append(scenario)
    text = "; ".join(f"{', '.join(ids)} in `{path}`" for path, ids in by_file.items())
    return text, bool(by_file)


def row(name, entry, headers, scenarios):
    cpp, header, covered, until = (entry[key] for key in ("cpp", "header", "covered", "until"))
    if cpp in ("-", "not yet") or not header.endswith(".hpp"):
        if covered.startswith("not yet: "):
            cpp, covered = "not yet", covered.removeprefix("not yet: ")
        return f"| `{name}` | {cpp} | - | {covered} |"
    declared = (ROOT / header).exists() and headers.declares(header, cpp)
    if not declared:
        if not until:
            raise Mistake(f"{name}: {header} does not declare {cpp}")
        return f"| `{name}` | not yet | - | {until.removeprefix('not yet: ')} |"
    text, exists = coverage(covered, scenarios)
    if not exists:
        text = until.removeprefix("not yet: ") or "covered by what is built on it; no test names it"
        text = f"no test of its own yet: {text}"
    return f"| `{name}` | `{cpp}` | `{header}` | {text} |"


def table():
    entries, headers, scenarios = read_map(), Headers(), scenario_files()
    with open(NAMES, newline="") as file:
        names = list(csv.DictReader(file))
    lines, module, mistakes = [HEAD], None, []
    for each in names:
        if each["module"] != module:
            module = each["module"]
            lines += [f"\n## {module}\n", "| Python | C++ | header | covered by, or why not |",
                      "|---|---|---|---|"]
        try:
            lines.append(row(each["name"], entry_for(each["name"], entries), headers, scenarios))
        except Mistake as mistake:
            mistakes.append(str(mistake))
    if mistakes:
        raise Mistake("\n".join(mistakes))
    return "\n".join(lines) + "\n"


def main():
    try:
        text = table()
    except Mistake as mistake:
        print(mistake, file=sys.stderr)
        return 1
    if sys.argv[1:] == ["--check"]:
        if not TABLE.exists() or TABLE.read_text() != text:
            print(f"{TABLE.relative_to(ROOT)} is out of date: run tools/parity_table.py",
                  file=sys.stderr)
            return 1
        return 0
    TABLE.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
