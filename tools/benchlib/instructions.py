"""Instructions an operation: beside the times of tools/bench, and the guard against dearer rows."""
import re
import subprocess
import sys
import tomllib

from . import machine
from .machine import ROOT, output_of


def which(program):
    return output_of("sh", "-c", f"command -v {program}")


def perf_counts():
    done = subprocess.run(["perf", "stat", "-x,", "-e", "instructions:u", "true"],
                          capture_output=True, text=True, check=False) if which("perf") else None
    return bool(done and re.match(r"\d+,", done.stderr))


def counter():
    return "perf" if perf_counts() else "valgrind" if which("valgrind") else None


def count_once(tool, side, row, operations):
    once = [*side.command, "--once", row, str(operations)]
    if tool == "perf":
        done = subprocess.run(["perf", "stat", "-x,", "-e", "instructions:u", *once],
                              capture_output=True, text=True, check=False)
        found = re.search(r"^(\d+),", done.stderr, re.M)
    else:
        done = subprocess.run(["valgrind", "--tool=cachegrind", "--cache-sim=no",
                               "--cachegrind-out-file=/dev/null", *once],
                              capture_output=True, text=True, check=False)
        found = re.search(r"I\s+refs:\s+([\d,]+)", done.stderr)
    return int(found[1].replace(",", "")) if found and done.returncode == 0 else None


def count(tool, side, row, operations):
    """The difference between so many operations and twice as many."""
    few = count_once(tool, side, row, operations)
    many = count_once(tool, side, row, 2 * operations)
    return (many - few) / operations if few and many else None


def of_rows(rows, sides, tool):
    """counts[row name][side name]"""
    counts = {name: {} for name in rows}
    wanted = [name for name, row in rows.items()
              if row["unit"] == "ns" and row["cpus"] == "0" and row.get("counted", True)]
    for position, name in enumerate(wanted):
        print(f"\rinstructions: row {position + 1} of {len(wanted)}", end="", file=sys.stderr,
              flush=True)
        for side in sides:
            row = rows[name]["row"]
            if row in side.operations:
                counts[name][side.name] = count(tool, side, row, 20_000)
    print(file=sys.stderr)
    return counts


# ---- the guard ----------------------------------------------------------------------------------
GUARD_FILE = ROOT / "bench/instructions.toml"
GUARDED = ("await_child", "spawn_join", "yield_1", "yield_100", "queue_ping_pong",
           "timer_insert_cancel", "timeout_yield", "wait_for_yield", "lock_free", "lock_100",
           "gather_1000", "cancel_3_deep")
TOLERANCE = 0.05
SLACK = 2  # instructions: rows of a few dozen would else fail for nothing


def guard_counts(side):
    """From cachegrind everywhere: `perf stat` counts differently."""
    counts = {}
    for row in GUARDED:
        counted = count("valgrind", side, row, 4_000)
        if counted is None:
            sys.exit(f"bench: {row} cannot be counted under valgrind")
        counts[row] = round(counted, 1)
    return counts


def guard(side, update):
    if not which("valgrind"):
        print("bench: no guard without valgrind (tools/bootstrap)")
        return
    made_by = output_of(machine.compiler(), "--version").splitlines()[0]
    if update:
        lines = [f"{row} = {counted}" for row, counted in guard_counts(side).items()]
        GUARD_FILE.write_text("\n".join(
            ["# Instructions an operation, checked by `make bench-guard`. What makes one dearer on "
             "purpose says",
             "# why in its commit, and updates this with `tools/bench --guard --update`.",
             f'compiler = "{made_by}"', "", "[instructions]", *lines]) + "\n")
        print(f"wrote {GUARD_FILE.relative_to(ROOT)}")
        return
    stored = tomllib.loads(GUARD_FILE.read_text())
    if stored["compiler"] != made_by:
        print(f"bench: no guard: the counts are of {stored['compiler']}, this is {made_by}")
        return
    dearer = 0
    for row, counted in guard_counts(side).items():
        before = stored["instructions"].get(row, 0)
        worse = counted > before * (1 + TOLERANCE) + SLACK
        dearer += worse
        print(f"{'DEARER ' if worse else ''}{row}: {counted} instructions, {before} before")
    if dearer:
        sys.exit(f"bench: {dearer} of {len(GUARDED)} rows are dearer than {GUARD_FILE.name} says;\n"
                 "  find out why, or accept it with `tools/bench --guard --update`")
