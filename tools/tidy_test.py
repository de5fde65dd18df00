#!/usr/bin/env python3
"""Feeds tools/tidy a small bad tree for each rule and expects its message, and a good one and
expects none: a rule that cannot fail would be a defect."""
import pathlib
import shutil
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
from tidylib import (  # noqa: E402
    beside, contracts, documents, functions, headers, includes, parity, text)
from tidylib.tree import Tree  # noqa: E402

FLOORS = """floor base 0
floor core 2
floor sync 3
floor combinators 3
floor net 4
floor http 5
floor html 5
floor debug side
only html base
share asyncio/sync/locks.hpp
"""
LOCKS = "// locks.hpp: locks.\n#pragma once\n"
CONTRACT = """// Order:        first come, first served.
// Cancellation: a cancelled waiter leaves.
// Threads:      the loop's thread only.
// Lifetime:     outlives its waiters.
"""


class TidyTest(unittest.TestCase):
    def setUp(self):
        self.root = pathlib.Path(tempfile.mkdtemp())
        self.addCleanup(shutil.rmtree, self.root)

    def problems(self, rule, files):
        for path, content in files.items():
            (self.root / path).parent.mkdir(parents=True, exist_ok=True)
            (self.root / path).write_text(content)
        return list(rule(Tree(self.root)))

    def good(self, rule, files):
        self.assertEqual([str(problem) for problem in self.problems(rule, files)], [])

    def bad(self, rule, files, *messages):
        """Exactly these problems, in any order, each with a cure."""
        found = self.problems(rule, files)
        for problem in found:
            self.assertTrue(problem.cure)
        said = [problem.message for problem in found]
        for message in messages:
            self.assertTrue(any(message in one for one in said), f"{message!r} is not in {said}")
        self.assertEqual(len(said), len(messages), said)


class Includes(TidyTest):
    def house(self, path, include, **more):
        return {"tools/floors.txt": FLOORS, "asyncio/sync/locks.hpp": LOCKS,
                "asyncio/sync/queues.hpp": "", "asyncio/core/events.hpp": "",
                "asyncio/net/streams.hpp": "", "asyncio/http/client.hpp": "",
                "asyncio/debug/dump.hpp": "", "asyncio/asyncio.hpp": "",
                path: f'#include "{include}"\n', **more}

    def test_a_lower_floor_may_be_included(self):
        self.good(includes.floors, self.house("asyncio/sync/a.hpp", "asyncio/core/events.hpp"))

    def test_a_higher_floor_may_not(self):
        self.bad(includes.floors, self.house("asyncio/core/a.hpp", "asyncio/sync/locks.hpp"),
                 "core (floor 2) includes sync (floor 3)")

    def test_a_neighbour_only_where_it_is_shared(self):
        self.good(includes.floors,
                  self.house("asyncio/combinators/a.hpp", "asyncio/sync/locks.hpp"))
        self.bad(includes.floors,
                 self.house("asyncio/combinators/b.hpp", "asyncio/sync/queues.hpp"),
                 "combinators and sync stand on the same floor")

    def test_the_side_is_seen_by_no_floor_but_by_tests(self):
        self.good(includes.floors, self.house("asyncio/net/a_test.cpp", "asyncio/debug/dump.hpp"))
        self.bad(includes.floors, self.house("asyncio/net/a.cpp", "asyncio/debug/dump.hpp"),
                 "net includes debug, which stands beside the floors")

    def test_the_side_sees_up_to_floor_4(self):
        self.bad(includes.floors, self.house("asyncio/debug/a.hpp", "asyncio/http/client.hpp"),
                 "debug sees floors 0 to 4, but http is on floor 5")

    def test_a_pure_folder_stays_pure(self):
        self.bad(includes.floors, self.house("asyncio/html/a.hpp", "asyncio/core/events.hpp"),
                 "html may include base only, not core")

    def test_umbrella_headers_are_for_users(self):
        self.bad(includes.floors, self.house("asyncio/net/a.hpp", "asyncio/asyncio.hpp"),
                 "asyncio/asyncio.hpp is for users")

    def test_every_folder_has_a_floor(self):
        self.bad(includes.floors, self.house("asyncio/cellar/a.hpp", "vector"),
                 "the folder asyncio/cellar has no floor")

    def test_headers_exist(self):
        self.bad(includes.floors, self.house("asyncio/net/a.hpp", "asyncio/core/no.hpp"),
                 "asyncio/core/no.hpp does not exist")

    def test_the_floor_list_is_readable(self):
        self.bad(includes.floors, {"tools/floors.txt": "flor base 0\n"},
                 "cannot read `flor ...`", "no floors")

    def test_internal_headers_stay_inside(self):
        files = {"asyncio/core/internal/x.hpp": "",
                 "asyncio/core/a.cpp": '#include "asyncio/core/internal/x.hpp"\n'}
        self.good(includes.internal, files)
        self.bad(includes.internal,
                 {"asyncio/net/a.cpp": '#include "asyncio/core/internal/x.hpp"\n',
                  "examples/a.cpp": "#include <asyncio/core/internal/x.hpp>\n"},
                 "belongs to asyncio/core/", "belongs to asyncio/core/")

    def test_public_headers_bring_no_foreign_header(self):
        self.good(includes.foreign, {"asyncio/net/internal/tls.hpp": "#include <openssl/ssl.h>\n",
                                     "asyncio/net/tls.cpp": "#include <openssl/ssl.h>\n",
                                     "asyncio/net/arest.hpp": "#include <areas>\n"})
        self.bad(includes.foreign, {"asyncio/net/a.hpp": "#include <openssl/ssl.h>\n",
                                    "asyncio/net/b.hpp": '#include "internal/tls.hpp"\n'},
                 "a public header includes OpenSSL",
                 "includes OpenSSL through asyncio/net/internal/tls.hpp")

    def test_headers_do_not_include_each_other(self):
        self.bad(includes.cycles, {"asyncio/core/a.hpp": '#include "asyncio/core/b.hpp"\n',
                                   "asyncio/core/b.hpp": '#include "a.hpp"\n'},
                 "asyncio/core/a.hpp -> asyncio/core/b.hpp -> asyncio/core/a.hpp")

    def test_a_header_that_nobody_includes_is_dead(self):
        self.bad(includes.dead_headers,
                 {"asyncio/core/a.hpp": "", "asyncio/core/b.hpp": "", "asyncio/asyncio.hpp":
                  '#include "asyncio/core/a.hpp"\n',
                  "asyncio/core/b.cpp": '#include "asyncio/core/b.hpp"\n'},
                 "nobody includes this header")


class Text(TidyTest):
    def test_width(self):
        self.good(text.width, {"a.cpp": "x" * 100, "b.py": "# https://" + "x" * 100})
        self.bad(text.width, {"a.cpp": "x" * 101}, "101 columns")

    def test_length(self):
        self.bad(text.length, {"a.cpp": "\n" * 701}, "701 lines")

    def test_unfinished_work(self):
        self.bad(text.unfinished, {"a.cpp": "// TO" "DO: more\n"}, "marks unfinished work")

    def test_sleeping_tests(self):
        sleep = "std::this_thread::sleep_for(1s);"
        self.good(text.sleeping_tests, {"asyncio/a.cpp": sleep, "asyncio/b_test.cpp": "// " + sleep,
                                        "tests/c.cpp": sleep + "  // tidy: sleeps because ...\n"})
        self.bad(text.sleeping_tests, {"asyncio/a_test.cpp": sleep}, "a test sleeps in real time")

    def test_heads(self):
        self.good(text.heads, {"a.hpp": "// a.hpp: what.\n#pragma once\n"})
        self.bad(text.heads, {"a.hpp": "#pragma once\n", "b.hpp": "// b.hpp: b.\n#include <a>\n"},
                 "does not say what it is", "`#pragma once` is not the first line of code")


class Functions(TidyTest):
    LONG = "  f();\n" * 80

    def names(self, code):
        return [name for name, _, _ in functions.cpp_functions(code)]

    def test_functions_are_found_whatever_their_form(self):
        code = """namespace a {
class B : public C<int> {
 public:
  explicit B(int x) noexcept : x_{x}, y_(x) { f(); }
  ~B() { g(); }
  bool operator==(const B&) const { return true; }
  template <class T> requires Awaitable<T> Coro<T> run(T t) const { co_return co_await t; }
  int x_ = 0; std::vector<int> v_{1, 2};
};
constexpr int kTable[] = {1, 2};
auto lambda = [](int x) { return x; };
Coro<int> B::read(std::string name) { if (name.empty()) { co_return 1; } co_return 2; }
TEST(Lock, is_free) { EXPECT_TRUE(true); }
enum class State { on, off };
}"""
        self.assertEqual(self.names(code),
                         ["B", "~B", "operator==", "run", "B::read", "Lock.is_free"])

    def test_a_long_function_is_an_offence(self):
        self.good(functions.lengths, {"a.cpp": "int f() {\n" + "  f();\n" * 60 + "}\n"})
        self.bad(functions.lengths, {"a.cpp": f"int f() {{\n{self.LONG}}}\n"}, "f has 82 lines")

    def test_long_python_functions_too(self):
        self.bad(functions.lengths, {"a.py": "def f():\n" + "    f()\n" * 80}, "f has 81 lines")

    def test_the_ratchet_goes_down_only(self):
        code = {"a.cpp": f"int f() {{\n{self.LONG}}}\n"}
        self.good(functions.lengths, {**code, "tools/tidy_ratchet.txt": "a.cpp:f 82\n"})
        self.bad(functions.lengths, {**code, "tools/tidy_ratchet.txt": "a.cpp:f 81\n"},
                 "f grew from 81 to 82 lines")
        self.bad(functions.lengths, {**code, "tools/tidy_ratchet.txt": "a.cpp:f 90\n"},
                 "a.cpp:f has shrunk")


class Contracts(TidyTest):
    AWAITABLE = "class Event {\n  Awaiter operator co_await();\n};\n"

    def test_the_four_lines_in_order(self):
        self.good(contracts.contract_lines, {"asyncio/sync/a.hpp": CONTRACT + self.AWAITABLE})
        self.bad(contracts.contract_lines,
                 {"asyncio/sync/a.hpp": CONTRACT.replace("Threads", "Strings") + self.AWAITABLE},
                 "Event is awaitable, but its contract lacks `Threads:`")

    def test_templates_and_derived_types(self):
        self.bad(contracts.contract_lines,
                 {"asyncio/sync/a.hpp": "// x\ntemplate <class T>\nclass [[nodiscard]] Coro final"
                  " : public Base<T> {\n  bool await_ready();\n};\n"},
                 "Coro is awaitable, but its contract lacks `Order:`")

    def test_what_is_in_detail_needs_none(self):
        self.good(contracts.contract_lines, {"asyncio/sync/a.hpp":
                  "namespace detail {\nvoid f() {\n}\nstruct A {\n  bool await_ready();\n};\n"
                  "}  // namespace detail\n"})

    def test_what_a_type_only_holds_inside_does_not_count(self):
        self.good(contracts.contract_lines, {"asyncio/sync/a.hpp":
                  "class Box {\n  struct Inner { bool await_ready(); };\n};\n"})

    def test_listed_types(self):
        listed = {"tools/awaitable_types.txt": "asyncio/sync/a.hpp Lock\nasyncio/sync/a.hpp Gone\n",
                  "asyncio/sync/a.hpp": "class Lock {\n};\n"}
        self.bad(contracts.contract_lines, listed, "Lock is awaitable", "has no type Gone")


class Beside(TidyTest):
    def test_every_source_has_a_test(self):
        self.good(beside.tests_beside_sources,
                  {"asyncio/a/x.cpp": "", "asyncio/a/x_test.cpp": "",
                   "asyncio/a/internal/y.cpp": "", "asyncio/a/y_test.cpp": ""})
        self.bad(beside.tests_beside_sources, {"asyncio/b/x.cpp": ""}, "x_test.cpp is missing")

    def test_excuses_have_a_reason_and_do_not_go_stale(self):
        excuse = "asyncio/a/x.cpp tested by y_test.cpp\n"
        self.good(beside.tests_beside_sources, {"asyncio/a/x.cpp": "",
                                                "tools/tidy_untested.txt": excuse})
        self.bad(beside.tests_beside_sources, {"asyncio/a/x_test.cpp": ""}, "has a test now")
        self.bad(beside.tests_beside_sources,
                 {"tools/tidy_untested.txt": "asyncio/a/z.cpp no\n"},
                 "the reason is missing", "asyncio/a/z.cpp does not exist")

    def test_every_program_is_built(self):
        self.good(beside.sources_are_built, {"examples/CMakeLists.txt": "file(GLOB_RECURSE s)",
                                             "examples/api/a.cpp": ""})
        self.bad(beside.sources_are_built, {"apps/x/CMakeLists.txt": "add_executable(x main.cpp)",
                                            "apps/x/main.cpp": "", "apps/x/old.cpp": "",
                                            "stray.cpp": ""},
                 "apps/x/CMakeLists.txt does not build this file", "no target builds this file")

    def test_every_tool_is_named(self):
        self.bad(beside.tools_are_used, {"tools/used": "", "tools/dead": "",
                                         "Makefile": "x:\n\ttools/used\n"},
                 "nothing names this tool")


class Documents(TidyTest):
    def test_links(self):
        self.good(documents.links,
                  {"docs/a.md": "# My head, here\n[b](b.md#to-do) [x](#my-head-here)"
                   " [web](https://x.org) `[no](link)`\n", "docs/b.md": "## To do"})
        self.bad(documents.links, {"docs/c.md": "[b](gone.md)\n[b](b.md#gone)\n"},
                 "the link to gone.md leads nowhere", "docs/b.md has no heading #gone")

    def snippet(self, code):
        return f"<!-- snippet: examples/a.cpp#part -->\n```cpp\n{code}\n```\n"

    SOURCE = "int x;\n// [part]\n  int y;\n// [inner]\n    int z;\n// [/inner]\n// [/part]\n"

    def test_snippets(self):
        self.good(documents.snippets, {"examples/a.cpp": self.SOURCE,
                                       "a.md": self.snippet("int y;\n  int z;")})
        self.bad(documents.snippets, {"a.md": self.snippet("int w;")}, "the snippet differs")
        self.bad(documents.snippets, {"a.md": "```cpp\nint x;\n```\n"}, "C++ typed in by hand")
        self.bad(documents.snippets, {"a.md": self.snippet("").replace("#part", "#gone")},
                 "examples/a.cpp has no region gone")
        self.bad(documents.snippets, {"a.md": self.snippet("").replace("a.cpp", "b.cpp")},
                 "examples/b.cpp does not exist")

    def test_an_exemption_needs_its_reason(self):
        block = "```cpp\nint x;\n```\n"
        self.good(documents.snippets, {"a.md": f"<!-- not compiled: shows an error -->\n{block}"})
        self.bad(documents.snippets, {"a.md": f"<!-- not compiled: -->\n{block}"},
                 "typed in by hand")

    def test_snippets_can_be_written(self):
        self.problems(documents.snippets, {"examples/a.cpp": self.SOURCE,
                                           "a.md": self.snippet("int w;")})
        self.assertEqual(documents.write_snippets(Tree(self.root)), ["a.md"])
        self.good(documents.snippets, {})


class Parity(TidyTest):
    FILES = {"docs/asyncio-names.csv": "module,name,kind\nasyncio.locks,Lock,class\n",
             "asyncio/sync/locks.hpp": "class Lock { void acquire(); };",
             "asyncio/sync/locks_test.cpp": "ASYNCIO_TEST(Lock, is_fair) {}"}

    def row(self, *cells):
        return {**self.FILES, "docs/parity.md": f"| {' | '.join(cells)} |\n"}

    def test_a_full_row(self):
        self.good(parity.parity, self.row("`Lock`", "`Lock`", "`asyncio/sync/locks.hpp`",
                                          "`Lock.is_fair`"))
        self.good(parity.parity, self.row("`Lock`", "`lock.acquire()`", "`asyncio/sync/locks.hpp`",
                                          "`asyncio/sync/locks_test.cpp`"))
        self.good(parity.parity, self.row("`Lock`", "-", "-", "there is no such thing here"))

    def test_the_table_is_there(self):
        self.bad(parity.parity, self.FILES, "the file is missing")

    def test_no_name_is_forgotten_doubled_or_made_up(self):
        self.bad(parity.parity, self.row("Lock", "x"), "asyncio.locks: Lock is missing")
        line = self.row("`Lock`", "-", "-", "no reason at all")["docs/parity.md"]
        self.bad(parity.parity, {"docs/parity.md": line * 2}, "Lock stands in line 1 already")
        self.bad(parity.parity, {"docs/parity.md": line + line.replace("Lock", "Lick")},
                 "Python has no Lick")

    def test_what_it_names_exists(self):
        self.bad(parity.parity, self.row("`Lock`", "`Lick`", "`asyncio/sync/locks.hpp`",
                                         "`Lock.is_fast`"),
                 "asyncio/sync/locks.hpp does not declare Lick", "there is no test Lock.is_fast")
        self.bad(parity.parity, self.row("`Lock`", "`Lock`", "`asyncio/lock.hpp`", "`Lock`"),
                 "the header asyncio/lock.hpp does not exist")

    def test_nothing_goes_without_a_reason(self):
        self.bad(parity.parity, self.row("`Lock`", "not yet", "-", ""),
                 "no C++ form, and no reason")
        self.bad(parity.parity, self.row("`Lock`", "`Lock`", "`asyncio/sync/locks.hpp`", "-"),
                 "no test, and no reason why")
        self.bad(parity.parity, self.row("`Lock`", "`Lock`"), "2 cells instead of 4",
                 "Lock is missing")


class Headers(TidyTest):
    def test_a_header_compiles_by_itself(self):
        good = {"asyncio/a.hpp": "#pragma once\n#include <string>\ninline std::string name;\n"}
        self.good(headers.self_contained, good)
        self.good(headers.self_contained, good)  # the second time from memory
        self.bad(headers.self_contained, {"asyncio/b.hpp": "#pragma once\nstd::string name;\n"},
                 "the header does not compile by itself")

    def test_gcc_takes_the_sources(self):
        self.good(headers.gcc, {"asyncio/core/a.cpp": "int a = 0;\n"})
        self.bad(headers.gcc, {"asyncio/core/b.cpp": "int b = a;\n"}, "refuses it")


if __name__ == "__main__":
    unittest.main()
