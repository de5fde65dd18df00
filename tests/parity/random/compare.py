#!/usr/bin/env python3
"""Random programs on asyncio for C++ and on CPython: the traces must be equal.

  compare.py PARITY --corpus             the recorded programs of corpus.txt; needs no Python 3.13
  compare.py PARITY --seeds FIRST LAST   fresh ones, against a Python >= 3.13; exits with 77
                                         where there is none
  compare.py --record FIRST LAST         prints a corpus with the traces of this Python

A difference is printed with the seed; `generate.py SEED` writes its program.
"""
import pathlib
import subprocess
import sys
import tempfile

import generate
import reference

HERE = pathlib.Path(__file__).resolve().parent
sys.path.append(str(HERE.parent))
import random_traces  # noqa: E402

CHUNK = 50  # programs a process


def traces_of(parity, programs):
    """What the C++ side prints for each; it is told apart by the line that ends each trace."""
    with tempfile.TemporaryDirectory() as folder:
        names = []
        for number, text in enumerate(programs):
            name = pathlib.Path(folder, str(number))
            name.write_text(text)
            names.append(name)
        try:
            done = subprocess.run([parity, "--program", *names], capture_output=True, text=True,
                                  timeout=120)
        except subprocess.TimeoutExpired as late:
            return [((late.stdout or b"").decode() + "(hangs)").splitlines()]
    traces, current = [], []
    for line in done.stdout.splitlines():
        current.append(line)
        if " left " in line and len(line.split()) == 3:
            traces.append(current)
            current = []
    if done.returncode != 0:
        said = done.stderr.splitlines()[:20]
        traces.append([*current, f"(exit status {done.returncode})", *said])
    return traces


def compare(parity, named):
    """named: (name, program, wanted trace) each. Returns the number of differences."""
    failed = 0
    for start in range(0, len(named), CHUNK):
        chunk = named[start:start + CHUNK]
        traces = traces_of(parity, [program for _, program, _ in chunk])
        for index, (name, program, wanted) in enumerate(chunk):
            if index >= len(traces):  # an earlier one ended the process
                traces += traces_of(parity, [program for _, program, _ in chunk[index:]])
            got = traces[index] if index < len(traces) else ["(no trace)"]
            failed += not random_traces.is_same(name, wanted, got)
    return failed


def fresh(first, last):
    reference.prepare()
    for seed in range(first, last):
        program = generate.program(seed)
        yield f"seed {seed}", program, reference.trace_of(program)


if __name__ == "__main__":
    sys.exit(random_traces.main(HERE, compare, fresh))
