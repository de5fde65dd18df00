#!/usr/bin/env python3
"""Runs every scenario and compares its trace with CPython's.

  run.py PARITY [ID ...] [--jobs N] [--python PYTHON] [--no-python]

PARITY is the executable. For each program python/sNNN_*.py the C++ scenario of that id must print
traces/sNNN_*.txt or, where C++ differs on purpose, traces/sNNN.expected.txt (the reason stands in
docs/from_python/differences.md). Where a Python >= 3.13 is found, the recorded trace is also
compared with a fresh run of the program, so that it cannot go stale. Scenarios in NOT_YET wait for
a part of the library that does not exist; they are named, not run.
"""
import argparse
import concurrent.futures
import difflib
import pathlib
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
TIMEOUT = 60  # seconds for one scenario; none takes longer than 1 s outside sanitizers

# id: what it waits for.
NOT_YET = {}


def find_python(wanted):
    """A Python whose asyncio has everything the programs use, or None."""
    installed = pathlib.Path.home().glob(".pyenv/versions/3.1[3-9].*/bin/python3")
    names = [wanted] if wanted else [sys.executable, "python3.14", "python3.13", "python3",
                                     *sorted(map(str, installed), reverse=True)]
    for name in names:
        path = shutil.which(name)
        if not path:
            continue
        question = "import sys; print(sys.version_info >= (3, 13))"
        answer = subprocess.run([path, "-c", question], capture_output=True, text=True)
        if answer.stdout.strip() == "True":
            return path
    return None


def output_of(command):
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=TIMEOUT,
                              cwd=HERE / "python")
    except subprocess.TimeoutExpired as late:
        said = late.stdout or b""
        return said.decode() + f"(no end after {TIMEOUT} s)\n", ""
    text = done.stdout
    if done.returncode != 0:
        text += f"(exit status {done.returncode})\n"
    return text, done.stderr


def differences(wanted, got, wanted_name, got_name):
    lines = difflib.unified_diff(wanted.splitlines(), got.splitlines(), wanted_name, got_name,
                                 lineterm="")
    return "\n".join("    " + line for line in lines)


def check(parity, python, program):
    """(id, failures) of one scenario."""
    name = program.stem
    scenario = name.split("_")[0]
    recorded = HERE / "traces" / f"{name}.txt"
    deliberate = HERE / "traces" / f"{scenario}.expected.txt"
    expected = deliberate if deliberate.exists() else recorded
    failures = []
    got, said = output_of([parity, scenario])
    wanted = expected.read_text()
    if got != wanted:
        failures.append(differences(wanted, got, f"traces/{expected.name}", "C++"))
        if said:
            failures.append("    stderr: " + said.strip()[-2000:].replace("\n", "\n    "))
    if python:
        fresh, said = output_of([python, "-B", str(program)])
        if fresh != recorded.read_text():
            failures.append(differences(recorded.read_text(), fresh, f"traces/{recorded.name}",
                                        "this Python"))
    return scenario, failures


def again_if_failed(parity, python, program, result):
    """Orders that rest on deadlines 10 ms apart break when the machine stalls longer than that: a
    scenario that failed gets a second and a third attempt, alone. What is wrong stays wrong."""
    for attempt in ("second", "third"):
        if not result[1]:
            break
        result = check(parity, python, program)
        if not result[1]:
            print(f"{result[0]}: passed at the {attempt} attempt, alone")
    return result


def select(parity, wanted):
    """The programs to compare, after looking for scenarios without a program or the reverse."""
    programs = sorted((HERE / "python").glob("[sx][0-9]*.py"))
    ids = {program.stem.split("_")[0] for program in programs}
    listed = set(subprocess.run([parity, "--list"], capture_output=True, text=True,
                                check=True).stdout.split())
    problems = [f"{each}: in C++ only, python/{each}_*.py is missing" for each in listed - ids]
    problems += [f"{each}: in Python only; write it in C++, or say in NOT_YET what it waits for"
                 for each in ids - listed - set(NOT_YET)]
    problems += [f"{each}: exists by now; take it out of NOT_YET" for each in listed & set(NOT_YET)]
    chosen = [p for p in programs if p.stem.split("_")[0] in (set(wanted) or ids) & listed]
    return chosen, sorted(problems)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parity")
    parser.add_argument("ids", nargs="*")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--python", help="compare fresh runs of this interpreter (>= 3.13)")
    parser.add_argument("--no-python", action="store_true", help="do not look for an interpreter")
    options = parser.parse_args()
    parity = str(pathlib.Path(options.parity).resolve())
    python = None if options.no_python else find_python(options.python)
    chosen, problems = select(parity, options.ids)

    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        results = list(pool.map(lambda program: check(parity, python, program), chosen))
    results = [again_if_failed(parity, python, program, result)
               for program, result in zip(chosen, results)]

    for scenario, failures in results:
        for text in failures:
            print(f"{scenario}:\n{text}")
    for problem in problems:
        print(problem)
    failed = [scenario for scenario, failures in results if failures]
    for scenario, reason in sorted(NOT_YET.items()):
        print(f"not yet: {scenario} waits for {reason}")
    print(f"fresh runs: {python}" if python else
          "fresh runs: skipped, no Python >= 3.13 was found; compared with the recorded traces")
    print(f"{len(results) - len(failed)} of {len(results)} scenarios print CPython's trace or the"
          " recorded deliberate difference" + (f"; failed: {' '.join(failed)}" if failed else ""))
    return 1 if failed or problems else 0


if __name__ == "__main__":
    sys.exit(main())
