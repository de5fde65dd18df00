#!/usr/bin/env python3
"""Random programs on asyncio for C++ and on CPython: the traces must be equal.

  compare.py PARITY --corpus             the recorded programs of corpus.txt; needs no Python 3.13
  compare.py PARITY --seeds FIRST LAST   fresh ones, against a Python >= 3.13; exits with 77
                                         where there is none
  compare.py --record FIRST LAST         prints a corpus with the traces of this Python

A difference is printed with the seed; `generate.py SEED` writes its program.
"""
import argparse
import difflib
import os
import pathlib
import subprocess
import sys
import tempfile

import generate
import reference

HERE = pathlib.Path(__file__).resolve().parent
sys.path.append(str(HERE.parent))
import run  # noqa: E402  (beside this folder)

NO_PYTHON = 77
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
            if got == wanted:
                continue
            failed += 1
            print(f"--- {name}")
            print("\n".join(difflib.unified_diff(wanted, got, "CPython", "C++", lineterm="")))
    print(f"{len(named)} random programs, {failed} different")
    return failed


def fresh(first, last):
    reference.prepare()
    for seed in range(first, last):
        program = generate.program(seed)
        yield f"seed {seed}", program, reference.trace_of(program)


def recorded():
    """corpus.txt: programs and traces, each behind a line `== name`, with `--` between."""
    for block in (HERE / "corpus.txt").read_text().split("== ")[1:]:
        name, rest = block.split("\n", 1)
        program, trace = rest.split("--\n", 1)
        yield name, program, trace.splitlines()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("parity", nargs="?")
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
    return 1 if compare(wanted.parity, list(programs)) else 0


if __name__ == "__main__":
    sys.exit(main())
