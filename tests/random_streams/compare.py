#!/usr/bin/env python3
"""Random programs on a StreamReader here and on CPython's: the traces must be equal.

  compare.py STREAMS --corpus            the recorded programs of corpus.txt
  compare.py STREAMS --seeds FIRST LAST  fresh ones, against a Python >= 3.13, for readuntil() of
                                         several separators; exits with 77 where there is none
  compare.py --record FIRST LAST         prints a corpus with the traces of this Python
"""
import pathlib
import subprocess
import sys

import reference

HERE = pathlib.Path(__file__).resolve().parent
sys.path.append(str(HERE.parent / "parity"))
import random_traces  # noqa: E402


def fresh(first, last):
    for seed in range(first, last):
        program = reference.program(seed)
        yield f"seed {seed}", program, reference.trace_of(program)


def compare(streams, named):
    programs = "".join(f"== {name}\n{program}" for name, program, _ in named)
    done = subprocess.run([streams], input=programs, capture_output=True, text=True, timeout=250)
    if done.returncode != 0:
        print(done.stderr)
    traces = [block.splitlines()[1:] for block in done.stdout.split("== ")[1:]]
    traces += [["(no trace)"]] * (len(named) - len(traces))
    failed = 0
    for (name, program, wanted), got in zip(named, traces):
        failed += not random_traces.is_same(f"{name}\n{program}", wanted, got)
    return failed


if __name__ == "__main__":
    sys.exit(random_traces.main(HERE, compare, fresh))
