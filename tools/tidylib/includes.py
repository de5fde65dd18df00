"""Who may include whom: floors, internal folders, foreign headers, cycles, dead headers."""
import functools
import posixpath

from .tree import Problem

FLOORS = "tools/floors.txt"
SIDE_SEES = 4  # the side folders (debug, testing) look at floors up to this one
FOREIGN = {  # what starts so does not stand in a public header
    "openssl/": "OpenSSL", "boost/": "Boost", "libpq": "libpq", "postgresql/": "libpq",
    "liburing": "liburing", "spdlog/": "spdlog", "libxml/": "libxml2", "sqlite3": "SQLite",
    "ares": "c-ares", "hiredis": "hiredis", "nghttp2/": "nghttp2", "mysql": "libmariadb",
    "mariadb": "libmariadb", "zlib.h": "zlib", "brotli/": "brotli", "zstd.h": "zstd",
}


class Floors:
    """tools/floors.txt: `floor FOLDER N|side`, `share HEADER`, `only FOLDER FOLDER...`,
    `foreign HEADER PREFIX`."""

    def __init__(self, tree):
        self.floor, self.shared, self.only, self.foreign = {}, set(), {}, {}
        self.problems = []
        for number, (word, *rest) in tree.list_file(FLOORS):
            if word == "floor" and len(rest) == 2:
                self.floor[rest[0]] = rest[1] if rest[1] == "side" else int(rest[1])
            elif word == "share" and len(rest) == 1:
                self.shared.add(rest[0])
            elif word == "only" and len(rest) >= 2:
                self.only[rest[0]] = set(rest[1:])
            elif word == "foreign" and len(rest) == 2:
                self.foreign.setdefault(rest[0], set()).add(rest[1])
            else:
                self.problems.append(Problem(FLOORS, number, f"cannot read `{word} ...`",
                                             "write floor, share, only or foreign"))
        for header in sorted(self.shared | set(self.foreign)):
            if not tree.exists(header):
                self.problems.append(Problem(FLOORS, 1, f"{header} does not exist",
                                             "remove its line"))
        if not self.floor:
            self.problems.append(Problem(FLOORS, 1, "no floors", "restore the file from git"))


def folder_of(path):
    """'core' for asyncio/core/x.hpp; '' for an umbrella header such as asyncio/asyncio.hpp."""
    parts = path.split("/")
    return parts[1] if len(parts) > 2 else ""


def is_test(path):
    return path.endswith(("_test.cpp", "_bench.cpp", "_fuzz.cpp", "/test_support.hpp"))


def resolve(tree, path, what, quoted):
    """The file of the project that an #include names, or None for a foreign one."""
    if quoted:
        beside = posixpath.normpath(posixpath.join(posixpath.dirname(path), what))
        if tree.exists(beside):
            return beside
    if what == "asyncio/base/config.hpp":
        return None  # made by CMake
    if tree.exists(what) or what.startswith("asyncio/"):
        return what
    return None


def floors(tree):
    """Rule 1: include from lower floors only."""
    house = Floors(tree)
    yield from house.problems
    for path in tree.matching(".hpp", ".cpp", under="asyncio/"):
        folder = folder_of(path)
        if folder and folder not in house.floor:
            yield Problem(path, 1, f"the folder asyncio/{folder} has no floor",
                          f"add `floor {folder} N` to {FLOORS}")
            continue
        for line, what, quoted in tree.includes(path):
            other = resolve(tree, path, what, quoted)
            if other is None:
                continue
            if not tree.exists(other):
                yield Problem(path, line, f"{what} does not exist", "correct the header's name")
            elif folder and not is_test(path):
                yield from _one_include(house, path, line, folder, other)


def _one_include(house, path, line, folder, other):
    target = folder_of(other)
    if target == folder:
        return
    if target == "":
        yield Problem(path, line, f"{other} is for users, not for the library",
                      "include the header of the concept that you need")
        return
    if target not in house.floor:
        return  # said once, at the folder itself
    mine, theirs = house.floor[folder], house.floor[target]
    if folder in house.only and target not in house.only[folder]:
        may = ", ".join(sorted(house.only[folder]))
        yield Problem(path, line, f"{folder} may include {may} only, not {target}",
                      "move what you need down, or pass it in as a parameter")
    elif theirs == "side":
        yield Problem(path, line, f"{folder} includes {target}, which stands beside the floors",
                      "turn it round: give core/instrument a hook that it sets")
    elif mine == "side":
        if theirs > SIDE_SEES:
            yield Problem(path, line, f"{folder} sees floors 0 to {SIDE_SEES}, but {target} is on"
                          f" floor {theirs}", f"move this code to asyncio/{target}")
    elif theirs > mine:
        yield Problem(path, line, f"{folder} (floor {mine}) includes {target} (floor {theirs})",
                      "turn it round: pass a callback or an interface of the lower floor")
    elif theirs == mine and other not in house.shared:
        yield Problem(path, line, f"{folder} and {target} stand on the same floor",
                      f"move the shared part down, or add `share {other}` to {FLOORS}")


def internal(tree):
    """Rule 6: X/internal/ is included only inside X/, and by the fuzz targets of its parsers."""
    for path in tree.matching(".hpp", ".cpp"):
        if path.startswith("tests/fuzz/"):
            continue
        for line, what, quoted in tree.includes(path):
            other = resolve(tree, path, what, quoted)
            if other and "/internal/" in other:
                owner = other.split("/internal/")[0] + "/"
                if not path.startswith(owner):
                    yield Problem(path, line, f"{other} belongs to {owner}",
                                  f"use a public header of {owner}, or add what is missing to one")


def foreign(tree):
    """No public header brings OpenSSL, Boost and the like to the user, not even through another."""
    house = Floors(tree)
    allowed = {header: tuple(prefixes) for header, prefixes in house.foreign.items()}

    @functools.lru_cache(maxsize=None)
    def reached(path, seen=()):
        """(library, the chain of headers to it) or None."""
        for _, what, quoted in tree.includes(path):
            if what.startswith(allowed.get(path, ("\0",))):
                continue
            other = resolve(tree, path, what, quoted)
            if other is None:
                for prefix, library in FOREIGN.items():
                    if what.startswith(prefix) and (prefix.endswith(("/", ".h"))
                                                    or what.endswith(".h")):
                        return library, (path,)
            elif other not in seen and tree.exists(other):
                found = reached(other, (*seen, path))
                if found:
                    return found[0], (path, *found[1])
        return None

    for path in tree.matching(".hpp", under="asyncio/"):
        if "/internal/" in path:
            continue
        found = reached(path)
        if found:
            library, chain = found
            through = "" if len(chain) == 1 else f" through {' -> '.join(chain[1:])}"
            yield Problem(path, 1, f"a public header includes {library}{through}",
                          "keep a forward declaration or a unique_ptr to an implementation here,"
                          " and include it in the .cpp or below internal/")


def cycles(tree):
    """No header includes itself, by whatever way round."""
    state, chain = {}, []
    found = []

    def visit(path):
        state[path] = "open"
        chain.append(path)
        for line, what, quoted in tree.includes(path):
            other = resolve(tree, path, what, quoted)
            if other is None or not tree.exists(other):
                continue
            if state.get(other) == "open":
                ring = chain[chain.index(other):] + [other]
                found.append(Problem(path, line, f"headers include each other: {' -> '.join(ring)}",
                                     "split the part that both need into a header of its own"))
            elif other not in state:
                visit(other)
        chain.pop()
        state[path] = "closed"

    for path in tree.matching(".hpp"):
        if path not in state:
            visit(path)
    yield from found


def dead_headers(tree):
    """A header that only its own source and test include is used by nobody."""
    users = {}
    for path in tree.matching(".hpp", ".cpp", ".in"):
        for _, what, quoted in tree.includes(path):
            other = resolve(tree, path, what, quoted)
            if other:
                users.setdefault(other, set()).add(path)
    for path in tree.matching(".hpp", under="asyncio/"):
        if folder_of(path) == "":
            continue  # umbrella headers are included by users
        stem = path[:-len(".hpp")]
        own = {stem + ending for ending in (".cpp", "_test.cpp", "_bench.cpp", "_fuzz.cpp")}
        if not users.get(path, set()) - own:
            yield Problem(path, 1, "nobody includes this header",
                          "include it from the umbrella header of its library, or delete it")
