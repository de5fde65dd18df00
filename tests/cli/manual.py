#!/usr/bin/env python3
"""The manual page and the completion of the `asyncio` command say what its --help says.

Usage: manual.py ASYNCIO
"""
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

FOLDER = pathlib.Path(__file__).resolve().parents[2] / "apps" / "cli"
ASYNCIO = None  # set by main


def help_of(*command):
    return subprocess.run([ASYNCIO, *command, "--help"], capture_output=True, text=True,
                          timeout=100, check=True).stdout


def subcommands():
    listed = help_of().split("Subcommands:")[1]
    return sorted(re.findall(r"^  (\w+) ", listed, re.MULTILINE))


def options_of(command):
    return set(re.findall(r"(?<!\w)--\w+", help_of(command)))


def complete(line):
    """What bash offers at the end of a line."""
    words = line.split(" ")
    script = (f"source {FOLDER}/completion.bash\nCOMP_WORDS=({' '.join(map(repr, words))})\n"
              f"COMP_CWORD={len(words) - 1}\n_asyncio\nprintf '%s\\n' \"${{COMPREPLY[@]}}\"")
    with tempfile.TemporaryDirectory() as folder:
        for name in ("one.cpp", "other.txt"):
            pathlib.Path(folder, name).touch()
        done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, cwd=folder,
                              timeout=100, check=True)
    return set(done.stdout.split())


class Manual(unittest.TestCase):
    def setUp(self):
        self.page = (FOLDER / "asyncio.1").read_text().replace("\\-", "-")

    def test_every_subcommand_and_option_has_its_place(self):
        for command in subcommands():
            self.assertIn(f".B asyncio {command}\n", self.page)
            for option in options_of(command):
                self.assertRegex(self.page, rf"(?<!\w){option}\b", command)

    def test_nothing_stands_there_that_is_gone(self):
        known = set().union(*map(options_of, subcommands()), {"--version"})
        self.assertEqual(set(re.findall(r"(?<!\w)--\w+", self.page)) - known, set())
        self.assertEqual(sorted(set(re.findall(r"^\.B asyncio (\w+)$", self.page, re.MULTILINE))),
                         subcommands())


class Completion(unittest.TestCase):
    def test_subcommands(self):
        self.assertEqual(complete("asyncio "), set(subcommands()))
        self.assertEqual(complete("asyncio p"), {"ps", "pstree"})

    def test_options(self):
        for command in subcommands():
            self.assertEqual(complete(f"asyncio {command} --"), options_of(command))
        self.assertEqual(complete("asyncio --v"), {"--version"})

    def test_processes_and_files(self):
        self.assertIn(str(os.getpid()), complete("asyncio ps "))
        self.assertEqual(complete("asyncio run o"), {"one.cpp"})
        self.assertEqual(complete("asyncio trace -o o"), {"one.cpp", "other.txt"})

    def test_what_is_for_the_program_is_any_file(self):
        self.assertEqual(complete("asyncio run one.cpp o"), {"one.cpp", "other.txt"})
        self.assertEqual(complete("asyncio trace -d 1 ./a.out o"), {"one.cpp", "other.txt"})


if __name__ == "__main__":
    ASYNCIO = sys.argv[1]
    unittest.main(argv=sys.argv[:1], verbosity=1)
