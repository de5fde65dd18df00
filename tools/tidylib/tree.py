"""The files that tidy looks at, and what a rule reports."""
import dataclasses
import functools
import pathlib
import re
import subprocess

LEFT_OUT = {".git", "build", ".cache", "__pycache__"}


@dataclasses.dataclass(order=True)
class Problem:
    """What is wrong, where, and what to do about it."""
    path: str
    line: int
    message: str
    cure: str

    def __str__(self):
        return f"{self.path}:{self.line}: {self.message}\n  cure: {self.cure}"


class Tree:
    """Reads each file once. Paths are strings relative to the root, with forward slashes."""

    def __init__(self, root):
        self.root = pathlib.Path(root).resolve()
        self.files = sorted(self._list())

    def _list(self):
        if (self.root / ".git").exists():
            listed = subprocess.run(
                ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                cwd=self.root, capture_output=True, text=True, check=True).stdout.split("\0")
            return {name for name in listed if name and (self.root / name).is_file()}
        found = (path for path in self.root.rglob("*") if path.is_file())
        names = (path.relative_to(self.root) for path in found)
        return {str(name) for name in names if not LEFT_OUT.intersection(name.parts)}

    @functools.lru_cache(maxsize=None)
    def text(self, path):
        return (self.root / path).read_text(encoding="utf-8", errors="replace")

    def lines(self, path):
        return self.text(path).splitlines()

    def exists(self, path):
        return (self.root / path).exists()

    def matching(self, *suffixes, under=""):
        return [path for path in self.files if path.startswith(under) and path.endswith(suffixes)]

    @functools.lru_cache(maxsize=None)
    def code(self, path):
        """The C++ text with comments and the insides of literals blanked; positions stay."""
        return blank_comments_and_literals(self.text(path))

    @functools.lru_cache(maxsize=None)
    def includes(self, path):
        """(line, what, quoted) for each #include."""
        found = []
        for number, line in enumerate(self.lines(path), 1):
            match = re.match(r'\s*#\s*include\s*(["<])([^">]+)[">]', line)
            if match:
                found.append((number, match[2], match[1] == '"'))
        return found

    def list_file(self, path):
        """(line number, words) for each line of a list with # comments; nothing without it."""
        if not self.exists(path):
            return
        for number, line in enumerate(self.lines(path), 1):
            words = line.split("#")[0].split()
            if words:
                yield number, words


TOKENS = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"(?P<mark>[^()\s\\]{0,16})\(.*?\)(?P=mark)"'
    r'|"(?:\\.|[^"\\\n])*"|(?<![0-9A-Za-z_])\'(?:\\.|[^\'\\\n])+\'', re.DOTALL)


def blank_comments_and_literals(text):
    def blank(match):
        return re.sub(r"[^\n]", " ", match[0])
    return TOKENS.sub(blank, text)


def line_of(text, position):
    return text.count("\n", 0, position) + 1
