#!/usr/bin/env python3
"""Random programs on a StreamReader here and on CPython's: the traces must be equal.

  compare.py STREAMS --corpus            the recorded programs of corpus.txt
  compare.py STREAMS --seeds FIRST LAST  fresh ones, against a Python >= 3.13, for readuntil() of
                                         several separators; exits with 77 where there is none
  compare.py --record FIRST LAST         prints a corpus with the traces of this Python
"""
import argparse
import difflib
import os
import pathlib
import subprocess
import sys

import reference

HERE = pathlib.Path(__file__).resolve().parent
sys.path.append(str(HERE.parent / "parity"))
import run  # noqa: E402  (the scenarios' comparer knows where a Python is)

NO_PYTHON = 77


def fresh(first, last):
    for seed in range(first, last):
        program = reference.program(seed)
        yield f"seed {seed}", program, reference.trace_of(program)


def recorded():
    """corpus.txt: programs and traces, each behind a line `== name`, with `--` between."""
    for block in (HERE / "corpus.txt").read_text().split("== ")[1:]:
        name, rest = block.split("\n", 1)
        program, trace = rest.split("--\n", 1)
        yield name, program, trace.splitlines()


def compare(streams, named):
    programs = "".join(f"== {name}\n{program}" for name, program, _ in named)
    done = subprocess.run([streams], input=programs, capture_output=True, text=True, timeout=250)
    if done.returncode != 0:
        print(done.stderr)
    traces = [block.splitlines()[1:] for block in done.stdout.split("== ")[1:]]
    traces += [["(no trace)"]] * (len(named) - len(traces))
    failed = 0
    for (name, program, wanted), got in zip(named, traces):
        if got != wanted:
            failed += 1
            print(f"--- {name}\n{program}")
            print("\n".join(difflib.unified_diff(wanted, got, "CPython", "C++", lineterm="")))
    print(f"{len(named)} random programs, {failed} different")
    return failed


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("streams", nargs="?")
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
    programs = fresh(*wanted.seeds) if wanted.seeds else recorded()
    return 1 if compare(wanted.streams, list(programs)) else 0


if __name__ == "__main__":
    sys.exit(main())
