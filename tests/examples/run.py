#!/usr/bin/env python3
"""Runs every example below examples/ and compares what it prints.

  examples/**/x.cpp with x.py beside it    prints exactly what python3 x.py prints
  examples/**/x.cpp with x.txt beside it   prints exactly x.txt
  any other examples/**/x.cpp              ends with status 0 when run as `x --self-test`

Usage: run.py BINARY_DIR [--only PART] [--timeout SECONDS]
BINARY_DIR holds the built examples in the layout of examples/: build/release/examples.
"""
import argparse
import difflib
import os
import pathlib
import subprocess
import sys
import tempfile

EXAMPLES = pathlib.Path(__file__).resolve().parents[2] / "examples"
OLDEST_PYTHON = (3, 11)  # TaskGroup, timeout, Barrier


def find_binary(folder, source):
    """The executable of a source file, None where there is none."""
    path = folder / source.relative_to(EXAMPLES).with_suffix("")
    return path if path.is_file() and os.access(path, os.X_OK) else None


def run(command, timeout):
    """Standard output and the reason why it is no good, or None."""
    with tempfile.TemporaryDirectory() as empty:
        try:
            done = subprocess.run(
                command, cwd=empty, timeout=timeout, capture_output=True, text=True,
                errors="replace", stdin=subprocess.DEVNULL)
        except subprocess.TimeoutExpired:
            return "", f"did not end within {timeout:g} s"
    if done.returncode != 0:
        return done.stdout, f"exit status {done.returncode}\n{done.stdout}{done.stderr}".rstrip()
    return done.stdout, None


def difference(expected, got, expected_name):
    lines = difflib.unified_diff(
        expected.splitlines(), got.splitlines(), expected_name, "C++", lineterm="", n=2)
    return "output differs\n" + "\n".join(lines)


def check(source, binary, timeout):
    """None where the example behaves, else what is wrong."""
    script, text = source.with_suffix(".py"), source.with_suffix(".txt")
    compared = script.exists() or text.exists()
    got, wrong = run([binary] if compared else [binary, "--self-test"], timeout)
    if wrong or not compared:
        return wrong
    if text.exists():
        expected = text.read_text()
        return None if got == expected else difference(expected, got, text.name)
    if sys.version_info < OLDEST_PYTHON:
        return f"needs Python {OLDEST_PYTHON[0]}.{OLDEST_PYTHON[1]} to run {script.name}"
    expected, wrong = run([sys.executable, str(script)], timeout)
    if wrong:
        return f"{script.name}: {wrong}"
    return None if got == expected else difference(expected, got, script.name)


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("binary_dir", type=pathlib.Path)
    parser.add_argument("--only", default="", help="run the examples whose path contains this")
    parser.add_argument("--timeout", type=float, default=30, help="seconds a program (default 30)")
    arguments = parser.parse_args()

    good, bad = 0, 0
    for source in sorted(EXAMPLES.rglob("*.cpp")):
        name = str(source.relative_to(EXAMPLES).with_suffix(""))
        if arguments.only not in name:
            continue
        binary = find_binary(arguments.binary_dir.resolve(), source)
        wrong = check(source, binary, arguments.timeout) if binary else "was not built"
        good, bad = (good, bad + 1) if wrong else (good + 1, bad)
        print(f"FAIL {name}: {wrong}" if wrong else f"ok   {name}", flush=True)
    print(f"{good} of {good + bad} examples as expected")
    return 1 if bad or not good else 0


if __name__ == "__main__":
    sys.exit(main())
