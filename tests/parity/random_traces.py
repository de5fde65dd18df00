"""What comparers of random programs share: where programs come from, and how differences are told.

Who uses it gives a generator fresh(first, last) of (name, program, CPython's trace) and a
function compare(command, programs), and keeps recorded programs in corpus.txt.
"""
import argparse
import difflib
import os
import sys

import run

NO_PYTHON = 77


def recorded(folder):
    """corpus.txt: programs and traces, each behind a line `== name`, with `--` between."""
    for block in (folder / "corpus.txt").read_text().split("== ")[1:]:
        name, rest = block.split("\n", 1)
        program, trace = rest.split("--\n", 1)
        yield name, program, trace.splitlines()


def is_same(name, wanted, got):
    if got == wanted:
        return True
    print(f"--- {name}")
    print("\n".join(difflib.unified_diff(wanted, got, "CPython", "C++", lineterm="")))
    return False


def main(folder, compare, fresh):
    """compare(command, named programs) gives the number of differences."""
    parser = argparse.ArgumentParser()
    parser.add_argument("command", nargs="?")
    parser.add_argument("--corpus", action="store_true")
    parser.add_argument("--seeds", nargs=2, type=int)
    parser.add_argument("--record", nargs=2, type=int)
    wanted = parser.parse_args()
    if (wanted.seeds or wanted.record) and sys.version_info < (3, 13):
        python = run.find_python(None)
        if not python:
            print("compare.py: fresh programs need Python 3.13 or later; there is none here")
            return NO_PYTHON
        os.execv(python, [python, "-B", *sys.argv])
    if wanted.record:
        for name, program, trace in fresh(*wanted.record):
            print(f"== {name}\n{program}--\n" + "\n".join(trace))
        return 0
    programs = list(fresh(*wanted.seeds) if wanted.seeds else recorded(folder))
    failed = compare(wanted.command, programs)
    print(f"{len(programs)} random programs, {failed} different")
    return 1 if failed else 0
